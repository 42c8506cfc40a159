"""What site.yaml may say of the radio, held against what the law allows."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from device_configs.entry import BoardName, Entry, wrong
from wire.airtime import sub_band

Khz = Annotated[int, Field(ge=863_000, le=870_000)]
SpreadingFactor = Annotated[int, Field(ge=7, le=12)]

TEN_PERCENT_KHZ = 869_525  # the middle of 869.4 to 869.65 MHz
# Effective radiated power in dBm by sub-band (ETSI EN 300 220-2, annex B).
POWER_DBM = (14, 14, 14, 14, 27, 14)


class Lora(Entry):
    """The radio settings of all LoRa nodes of the site, and of what answers them."""

    frequency_khz: Khz
    """Uplink frequency in the European band: 869525 lies in the sub-band with 10 % duty cycle."""
    channels_khz: tuple[Khz, ...] = ()
    """Further uplink frequencies, of which a node draws one each time; only with a concentrator."""
    spreading_factor: SpreadingFactor
    """Higher reaches further and takes longer."""
    fallback_spreading_factor: SpreadingFactor | None = None
    """What a node uses that is not answered; only with a concentrator, a bridge hears just one."""
    bandwidth_khz: Literal[125, 250]
    """Channel width."""
    power_dbm: Annotated[int, Field(ge=-9, le=22)]
    """Transmit power at the radio; antenna gain comes on top."""
    downlink_khz: Khz = TEN_PERCENT_KHZ
    """Frequency of the answers; another one in the same sub-band where this one is noisy."""
    downlink_power_dbm: Annotated[int, Field(ge=0, le=27)] = 14
    """Transmit power of the answers."""
    answer_delay_ms: Annotated[int, Field(ge=200, le=5000)] = 1000
    """From the end of an uplink to its answer: the gateway's time to write it to disk."""
    bridge: BoardName | None = None
    """Board of the USB bridge, where there is one; it hears `frequency_khz` and `spreading_factor` alone."""

    @property
    def uplinks_khz(self) -> tuple[int, ...]:
        """All uplink frequencies."""
        return (self.frequency_khz, *self.channels_khz)

    def node_settings(self) -> dict[str, Any]:
        """Return what a node has to know."""
        settings = self.model_dump(exclude={"frequency_khz", "channels_khz", "downlink_power_dbm", "bridge"})
        return settings | {"channels_khz": list(self.uplinks_khz)}

    @model_validator(mode="after")
    def _check_law(self) -> Self:
        if len(set(self.uplinks_khz)) < len(self.uplinks_khz):
            raise wrong("`channels_khz` names a frequency twice")
        for name, khz, power_dbm in (
            *(("an uplink", khz, self.power_dbm) for khz in self.uplinks_khz),
            ("the answers", self.downlink_khz, self.downlink_power_dbm),
        ):
            try:
                band = sub_band(khz, self.bandwidth_khz)
            except ValueError:
                where = f"{khz} kHz ± {self.bandwidth_khz / 2:g} kHz ({name})"
                raise wrong(f"{where} lies in no sub-band that may be used") from None
            if power_dbm > POWER_DBM[band]:
                raise wrong(f"{power_dbm} dBm on {khz} kHz ({name}): the law allows {POWER_DBM[band]} dBm")
        fallback = self.fallback_spreading_factor
        if fallback is not None and fallback <= self.spreading_factor:
            raise wrong("`fallback_spreading_factor` has to be higher than `spreading_factor`")
        return self
