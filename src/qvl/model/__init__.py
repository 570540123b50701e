"""The Qwen2.5-VL architecture: single-device PyTorch with the published attribute names."""
