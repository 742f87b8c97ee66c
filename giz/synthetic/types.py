"""The morphological types that can be made, and the ranges their structure is drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class GalaxyType:
    """Ranges (low, high) of uniform draws, lengths in disk scale lengths h unless the name says otherwise."""

    bulge_to_total: Range
    sersic_index: Range
    bulge_re_h: Range
    thickness_h: Range
    pitch_deg: Range
    arm_count: tuple[int, int]
    arm_amplitude: Range
    arm_sharpness: float
    young_fraction: Range
    hii_strength: Range
    tau_r: Range
    dust_thickness: Range
    bar_probability: float
    ring_probability: float
    r25_h: Range
    old_g_r: Range
    irregularity: float
    lopsidedness: float


TYPE_TABLE: Mapping[str, GalaxyType] = MappingProxyType(
    {
        "Sab": GalaxyType(
            bulge_to_total=(0.25, 0.55),
            sersic_index=(2.0, 3.5),
            bulge_re_h=(0.25, 0.65),
            thickness_h=(0.22, 0.32),
            pitch_deg=(8.0, 14.0),
            arm_count=(2, 2),
            arm_amplitude=(0.35, 0.70),
            arm_sharpness=1.6,
            young_fraction=(0.10, 0.20),
            hii_strength=(0.0, 0.15),
            tau_r=(0.5, 1.2),
            dust_thickness=(0.35, 0.50),
            bar_probability=0.20,
            ring_probability=0.40,
            r25_h=(3.2, 4.4),
            old_g_r=(0.70, 0.78),
            irregularity=0.35,
            lopsidedness=0.02,
        ),
        "Sbc": GalaxyType(
            bulge_to_total=(0.10, 0.25),
            sersic_index=(1.2, 2.5),
            bulge_re_h=(0.18, 0.32),
            thickness_h=(0.19, 0.27),
            pitch_deg=(12.0, 19.0),
            arm_count=(2, 3),
            arm_amplitude=(0.8, 1.4),
            arm_sharpness=2.1,
            young_fraction=(0.22, 0.38),
            hii_strength=(0.10, 0.35),
            tau_r=(0.6, 1.5),
            dust_thickness=(0.35, 0.50),
            bar_probability=0.15,
            ring_probability=0.0,
            r25_h=(3.0, 4.2),
            old_g_r=(0.62, 0.72),
            irregularity=0.65,
            lopsidedness=0.04,
        ),
        "SBb": GalaxyType(
            bulge_to_total=(0.04, 0.14),
            sersic_index=(1.0, 2.0),
            bulge_re_h=(0.12, 0.22),
            thickness_h=(0.19, 0.27),
            pitch_deg=(11.0, 20.0),
            arm_count=(2, 2),
            arm_amplitude=(0.8, 1.5),
            arm_sharpness=2.2,
            young_fraction=(0.18, 0.35),
            hii_strength=(0.10, 0.35),
            tau_r=(0.5, 1.3),
            dust_thickness=(0.35, 0.50),
            bar_probability=1.0,
            ring_probability=0.40,
            r25_h=(3.0, 4.2),
            old_g_r=(0.62, 0.74),
            irregularity=0.60,
            lopsidedness=0.04,
        ),
        "Scd": GalaxyType(
            bulge_to_total=(0.01, 0.06),
            sersic_index=(0.8, 1.3),
            bulge_re_h=(0.12, 0.25),
            thickness_h=(0.14, 0.24),
            pitch_deg=(17.0, 30.0),
            arm_count=(2, 5),
            arm_amplitude=(0.9, 1.6),
            arm_sharpness=1.7,
            young_fraction=(0.40, 0.60),
            hii_strength=(0.4, 1.0),
            tau_r=(0.25, 0.80),
            dust_thickness=(0.5, 0.9),
            bar_probability=0.25,
            ring_probability=0.0,
            r25_h=(2.7, 3.7),
            old_g_r=(0.50, 0.62),
            irregularity=1.0,
            lopsidedness=0.09,
        ),
        "Sdm": GalaxyType(
            bulge_to_total=(0.0, 0.02),
            sersic_index=(0.8, 1.0),
            bulge_re_h=(0.10, 0.20),
            thickness_h=(0.20, 0.36),
            pitch_deg=(20.0, 40.0),
            arm_count=(1, 3),
            arm_amplitude=(0.4, 1.0),
            arm_sharpness=1.4,
            young_fraction=(0.45, 0.65),
            hii_strength=(0.5, 1.2),
            tau_r=(0.08, 0.30),
            dust_thickness=(0.7, 1.0),
            bar_probability=0.35,
            ring_probability=0.0,
            r25_h=(2.3, 3.2),
            old_g_r=(0.42, 0.55),
            irregularity=1.3,
            lopsidedness=0.15,
        ),
    }
)
GALAXY_TYPES: tuple[str, ...] = tuple(TYPE_TABLE)
