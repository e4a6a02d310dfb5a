"""The exported C on processors that are not there: built by clang (ziglang), run by Unicorn, call by call.

    core = Emulated(folder, "cortex-m4");  core.learn(x);  core.predict(x);  core.save();  core.count(image)

Freestanding: no start-up code and no library but the compiler's own arithmetic is linked.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synarray.export.run_c import sizes

__all__ = ["TARGETS", "Emulated", "Target", "build", "code_bytes", "missing"]

_FLASH, _RAM, _STOP = 0x0001_0000, 0x2000_0000, 0x0000_1000
_SPACE = 8 << 20
_FLAGS = ("-std=c99", "-ffreestanding", "-static", "-g", "-Os", "-ffp-contract=off", "-fno-sanitize=all")


@dataclass(frozen=True)
class Target:
    """A processor: how clang and Unicorn call it."""

    title: str
    triple: str
    cpu: str
    unicorn: tuple[str, str, str | None]  # architecture, mode, model
    registers: tuple[str, ...]  # of arguments; the first returns


TARGETS = {
    "cortex-m0": Target(
        "Cortex-M0+", "thumb-freestanding-eabi", "cortex_m0plus",
        ("ARM", "THUMB+MCLASS", "ARM_CORTEX_M0"), ("R0", "R1", "R2", "R3"),
    ),
    "cortex-m4": Target(
        "Cortex-M4", "thumb-freestanding-eabi", "cortex_m4", ("ARM", "THUMB+MCLASS", "ARM_CORTEX_M4"), ("R0", "R1", "R2", "R3")
    ),
    "rv32imc": Target(
        "RISC-V RV32IMC (ESP32-C3)", "riscv32-freestanding-none", "generic_rv32+m+c",
        ("RISCV", "RISCV32", None), ("A0", "A1", "A2", "A3", "A4"),
    ),
}  # fmt: skip


def missing() -> str | None:
    """Say what the emulation lacks here; None when all is there."""
    wanted = {"ziglang": "ziglang", "unicorn": "unicorn", "elftools": "pyelftools"}
    return next((package for name, package in wanted.items() if importlib.util.find_spec(name) is None), None)


def build(folder: Path, target: Target, flags: tuple[str, ...] = ()) -> Path:
    """Link an exported folder for a target, every function kept; return the ELF file."""
    out = Path(tempfile.mkdtemp(prefix="synarray-elf-")) / "learner.elf"
    sources = [str(folder / "src" / name) for name in ("synarray_learner.c", "synarray_model.c")]
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target.triple, f"-mcpu={target.cpu}", *_FLAGS, *flags]
    link = [f"-Wl,--image-base={_FLASH:#x}", "-Wl,--entry=synarray_init", "-Wl,--no-gc-sections"]
    done = subprocess.run(
        [*command, *sources, *link, "-o", str(out)], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return out


def code_bytes(folder: Path, target: Target, flags: tuple[str, ...] = ()) -> int:
    """Bytes of flash that ``synarray_learner.c`` takes for itself: code and its constants."""
    from elftools.elf.elffile import ELFFile

    out = Path(tempfile.mkdtemp(prefix="synarray-o-")) / "learner.o"
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target.triple, f"-mcpu={target.cpu}", *_FLAGS, *flags]
    source = str(folder / "src" / "synarray_learner.c")
    subprocess.run([*command, "-c", source, "-o", str(out)], check=True, capture_output=True)
    with out.open("rb") as file:
        sections = list(ELFFile(file).iter_sections())
    kept = (".text", ".rodata", ".data")
    return sum(section.data_size for section in sections if section.name.startswith(kept))


class Emulated:
    """An exported learner on an emulated processor."""

    def __init__(self, folder: Path, name: str, flags: tuple[str, ...] = ()) -> None:
        import unicorn
        from elftools.elf.elffile import ELFFile

        target = TARGETS[name]
        self.sizes, self._registers = sizes(folder), target.registers
        arch, modes, model = target.unicorn
        mode = sum(getattr(unicorn, f"UC_MODE_{part}") for part in modes.split("+"))
        self._uc, self._unicorn = unicorn.Uc(getattr(unicorn, f"UC_ARCH_{arch}"), mode), unicorn
        self._consts = getattr(unicorn, f"{arch.lower()}_const")
        self._prefix, self._thumb = f"UC_{arch}_REG_", int(arch == "ARM")
        if model:
            self._uc.ctl_set_cpu_model(getattr(self._consts, f"UC_CPU_{model}"))
        self._uc.mem_map(0, _SPACE)
        self._uc.mem_map(_RAM, _SPACE)
        self._symbols: dict[str, int] = {}
        with build(folder, target, flags).open("rb") as file:
            elf = ELFFile(file)
            for segment in elf.iter_segments("PT_LOAD"):
                if segment["p_filesz"]:
                    self._uc.mem_write(segment["p_vaddr"], segment.data())
            table = elf.get_section_by_name(".symtab")
            self._symbols = {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}
        self._s, self._memory, self._out, self._image = (_RAM + at for at in (0, 0x1000, 0x40_0000, 0x50_0000))
        model_at = self._symbols["synarray_model_data"]
        self._call("synarray_init", self._s, self._memory, self.sizes["ram_bytes"], model_at, 0)

    def _call(self, function: str, *arguments: int) -> None:
        """Call a function by the processor's own rules; its status must be 0."""
        register = {name: getattr(self._consts, self._prefix + name) for name in (*self._registers, "SP")}
        in_registers, on_stack = arguments[: len(self._registers)], arguments[len(self._registers) :]
        stack = _RAM + _SPACE - 0x1000
        for i, value in enumerate(on_stack):
            self._uc.mem_write(stack + 4 * i, value.to_bytes(4, "little"))
        self._uc.reg_write(register["SP"], stack)
        for name, value in zip(self._registers, in_registers, strict=False):
            self._uc.reg_write(register[name], value)
        back = "LR" if self._thumb else "RA"
        self._uc.reg_write(getattr(self._consts, self._prefix + back), _STOP | self._thumb)
        self._uc.emu_start(self._symbols[function] | self._thumb, _STOP)
        status = self._uc.reg_read(register[self._registers[0]])
        assert status == 0, f"{function}: status {status}"

    def learn(self, images: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
        """Learn from images [image, feature], of known classes where a layer is taught; return the winners."""
        winners = []
        for i, image in enumerate(images):
            self._uc.mem_write(self._image, image.tobytes())
            if classes is None:
                self._call("synarray_learn", self._s, self._image, len(image), self._out)
            else:
                self._call("synarray_teach", self._s, self._image, len(image), int(classes[i]), self._out)
            winners.append(np.frombuffer(bytes(self._uc.mem_read(self._out, 2 * self.sizes["winners"])), "<u2"))
        return np.array(winners)

    def label(self, images: np.ndarray, classes: np.ndarray) -> None:
        """Count which neurons fire for labelled images."""
        for image, label in zip(images, classes.tolist(), strict=True):
            self._uc.mem_write(self._image, image.tobytes())
            self._call("synarray_label", self._s, self._image, len(image), label)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Read the class of each image."""
        found = []
        for image in images:
            self._uc.mem_write(self._image, image.tobytes())
            self._call("synarray_predict", self._s, self._image, len(image), self._out, 0)
            found.append(int.from_bytes(self._uc.mem_read(self._out, 4), "little"))
        return np.array(found)

    def save(self) -> bytes:
        """Return the saved state."""
        n = self.sizes["blob_bytes"]
        self._call("synarray_save", self._s, self._out, n, self._image)
        return bytes(self._uc.mem_read(self._out, n))

    def count(self, function: str, image: np.ndarray, *arguments: int) -> int:
        """Count the instructions of one call with an image."""
        counted = 0

        def hook(*_: object) -> None:
            nonlocal counted
            counted += 1

        self._uc.mem_write(self._image, image.tobytes())
        handle = self._uc.hook_add(self._unicorn.UC_HOOK_CODE, hook)
        self._uc.ctl_flush_tb()  # what was translated before knows of no hook
        self._call(function, self._s, self._image, len(image), *(arguments or (self._out,)))
        self._uc.hook_del(handle)
        self._uc.ctl_flush_tb()
        return counted
