"""The Qwen2.5-VL architecture in plain PyTorch: single-device code with the published attribute names."""
