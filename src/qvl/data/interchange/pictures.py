"""A folder of pictures as samples without questions, for steps that make some.

Owns: finding the files. Does not own: marking what is in them (``data.detections``).

    folder -> PictureFolder[number] -> Sample of one picture
"""

from dataclasses import dataclass, field
from pathlib import Path

from qvl.data.fingerprint import fingerprint
from qvl.data.records import Provenance, Sample
from qvl.errors import ConfigError
from qvl.messages import Conversation, Image, Message

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureFolder:
    """The pictures below a folder, in the order of their names.

    Attributes:
        folder: looked through with all folders in it.
        licence: SPDX name of their terms; empty when it is not known.
        phrases: what may be in them, for steps that look for it.
    """

    folder: Path
    licence: str = ""
    phrases: tuple[str, ...] = ()
    _files: tuple[Path, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        found = [path for path in self.folder.rglob("*") if path.suffix.lower() in SUFFIXES]
        if not found:
            raise ConfigError(
                f"{self.folder} holds no pictures, expected files in {', '.join(SUFFIXES)}"
            )
        object.__setattr__(self, "_files", tuple(sorted(found)))

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, number: int, /) -> Sample:
        if not 0 <= number < len(self):
            raise IndexError(number)
        path = self._files[number]
        return Sample(
            task="picture",
            conversation=Conversation((Message("user", (Image(path),)),)),
            provenance=Provenance(
                generator="pictures",
                licence=self.licence,
                source=path.relative_to(self.folder).as_posix(),
            ),
            facts={"phrases": list(self.phrases)} if self.phrases else {},
        )

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of names, sizes and times of these files, and of what is said of them."""
        files = [(str(path), path.stat()) for path in self._files[start:stop]]
        seen = [(name, status.st_size, status.st_mtime_ns) for name, status in files]
        return fingerprint(seen, self.licence, self.phrases)
