"""What boards/*.yaml may say: which pin of the ESP32 goes where."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from device_configs.entry import Entry, Slug, Text, wrong

Pin = Annotated[int, Field(ge=0, le=48)]

# Sources: ESP32 and ESP32-S3 datasheets, chapter "Pin definitions".
# Flash and PSRAM; on the S3 also USB.
_TAKEN = {"esp32": {6, 7, 8, 9, 10, 11}, "esp32s3": {19, 20, 26, 27, 28, 29, 30, 31, 32}}
_ABSENT = {"esp32": {20, 24, 28, 29, 30, 31, *range(40, 49)}, "esp32s3": {22, 23, 24, 25}}
_INPUT_ONLY = {"esp32": {34, 35, 36, 37, 38, 39}, "esp32s3": set[int]()}
# The other converter can not be read while Wi-Fi is on.
_ADC1 = {"esp32": {*range(32, 40)}, "esp32s3": {*range(1, 11)}}


class Part(Entry):
    """Something wired to pins: those the board drives and those it only reads."""

    DRIVES: ClassVar[tuple[str, ...]] = ()
    READS: ClassVar[tuple[str, ...]] = ()


class I2c(Part):
    """The I2C bus for sensors; an on-board display may share it."""

    DRIVES = ("scl", "sda")

    bus: Annotated[int, Field(ge=0, le=1)]
    """Number of the ESP32's I2C peripheral."""
    scl: Pin
    """Clock."""
    sda: Pin
    """Data."""


class Onewire(Part):
    """The 1-Wire bus for temperature probes."""

    DRIVES = ("pin",)

    pin: Pin
    """Data, pulled up with 4.7 kΩ."""


class Uart(Part):
    """The serial port for a sensor or meter; speed and parity belong to the sensor."""

    DRIVES = ("tx",)
    READS = ("rx",)

    bus: Annotated[int, Field(ge=1, le=2)]
    """Number of the ESP32's UART; 0 is the console."""
    rx: Pin
    """Receives from the sensor."""
    tx: Pin | None = None
    """Sends to the sensor; left out where nothing is ever sent."""
    rx_inverted: bool = False
    """True where the receiving circuit turns the levels around."""


class BatteryInput(Part):
    """How the battery's voltage reaches an input of ADC1."""

    DRIVES = ("enable_pin",)
    READS = ("pin",)

    pin: Pin
    """The input; ADC2 is no good, since it can not be read while Wi-Fi is on."""
    divider_permille: Annotated[int, Field(ge=1000, le=20000)]
    """Battery voltage = pin voltage × this / 1000: 2000 for two equal resistors."""
    enable_pin: Pin | None = None
    """Switches the divider, where the board can."""
    enable_level: Literal[0, 1] = 1
    """Level of `enable_pin` at which the divider conducts."""


class PulseInput(Part):
    """An input for a contact to ground, or for another output that pulls it low."""

    DRIVES = ("pin",)  # it is pulled up, which input-only pins can not be

    pin: Pin
    """The pin; from a long cable by way of 10 kΩ to 3.3 V and a surge arrester."""


class Output(Part):
    """One output pin and the level that means on."""

    DRIVES = ("pin",)

    pin: Pin
    """The pin."""
    on_level: Literal[0, 1] = 1
    """Level that switches it on."""


class Button(Part):
    """A button that pulls its pin low."""

    READS = ("pin",)

    pin: Pin
    """The pin."""


class Sx1262(Part):
    """The LoRa radio's pins and how it is built in."""

    DRIVES = ("sck", "mosi", "cs", "reset")
    READS = ("miso", "busy", "dio1")

    spi: Annotated[int, Field(ge=1, le=2)]
    """Number of the ESP32's SPI peripheral."""
    sck: Pin
    """SPI clock."""
    mosi: Pin
    """SPI to the radio."""
    miso: Pin
    """SPI from the radio."""
    cs: Pin
    """Chip select, active low."""
    busy: Pin
    """High while the radio takes no command."""
    dio1: Pin
    """The radio's interrupt."""
    reset: Pin
    """Active low."""
    tcxo_mv: Annotated[int, Field(ge=0, le=3300)]
    """Supply of the TCXO on DIO3; 0 where the module has a plain crystal."""
    dio2_rf_switch: bool
    """True where DIO2 turns the antenna switch."""


class Board(Entry):
    """One kind of circuit board: what is wired to which pin. What it lacks is left out."""

    name: Slug
    """The file's name."""
    title: Text
    """Full name, as printed on the board or in its manual."""
    chip: Literal["esp32", "esp32s3"]
    """Which ESP32, hence which MicroPython build."""
    flash_mb: Literal[4, 8, 16]
    """Size of the flash."""
    i2c: I2c | None = None
    """Bus for sensors."""
    onewire: Onewire | None = None
    """Bus for temperature probes."""
    uart: Uart | None = None
    """Serial port for a sensor or meter."""
    pulse: PulseInput | None = None
    """Counts a contact's closings."""
    battery: BatteryInput | None = None
    """Battery voltage."""
    sensor_power: Output | None = None
    """Switches the supply of the sensors, which is off while the node sleeps."""
    led: Output | None = None
    """The light a technician looks at."""
    button: Button | None = None
    """The button a technician presses."""
    sx1262: Sx1262 | None = None
    """The LoRa radio."""
    source: Text
    """Where the pins come from, and what has been tried on a real board."""

    def pins(self) -> dict[str, int]:
        """Return the pin of everything wired, by its place in the file ("i2c.scl")."""
        return {
            f"{name}.{key}": pin
            for name, part in self
            if isinstance(part, Part)
            for key in part.DRIVES + part.READS
            if (pin := getattr(part, key)) is not None
        }

    @model_validator(mode="after")
    def _check_pins(self) -> Self:
        used: dict[int, str] = {}
        for place, pin in self.pins().items():
            part, key = place.split(".")
            if pin in used:
                raise wrong(f"pin {pin} is given to both `{used[pin]}` and `{place}`")
            used[pin] = place
            if pin in _ABSENT[self.chip]:
                raise wrong(f"`{place}`: the {self.chip} has no pin {pin}")
            if pin in _TAKEN[self.chip]:
                raise wrong(f"`{place}`: pin {pin} of the {self.chip} belongs to its flash or USB")
            if pin in _INPUT_ONLY[self.chip] and key in getattr(self, part).DRIVES:
                raise wrong(f"`{place}`: pin {pin} of the {self.chip} is an input only")
        if self.battery and self.battery.pin not in _ADC1[self.chip]:
            raise wrong(f"`battery.pin`: pin {self.battery.pin} of the {self.chip} is no input of ADC1")
        return self
