"""Which chips a board has, and which of them it feeds itself."""

from hardware.virtual.chips.ads1115 import Ads1115
from hardware.virtual.chips.ds18b20 import Ds18b20, OneWireBus, rom
from hardware.virtual.chips.gpio import Switch
from hardware.virtual.chips.mb7374 import Mb7374
from hardware.virtual.clock import ManualClock
from hardware.virtual.wiring import I2cBus, UartLine, Wiring


def test_chips_behind_a_switch_are_not_on_the_boards_supply() -> None:
    clock = ManualClock()
    adc = Ads1115({}, clock)
    ranger = Mb7374(lambda: 1000, clock)
    bus = OneWireBus(Ds18b20(rom(1), lambda: 1.0, clock))
    switch = Switch(ranger, clock=clock)
    wiring = Wiring(
        i2c=(I2cBus(22, 21, {0x48: adc}),),
        uart=(UartLine(17, 16, ranger),),
        onewire={4: bus},
        pins={25: switch, 26: ranger.trigger},
    )
    assert list(wiring.chips()) == [adc, ranger, bus, switch]
    assert wiring.on_board_supply() == [adc, bus, switch]
