# Codes of the requests a shim sends to the board host, and of what comes back. Both sides import this file.
# Frame: code u8, payload length u16 little-endian, payload.

HELLO = 1
STUCK = 2  # the program ended: on an ESP32 the REPL would wait here for ever
POWER_LOST = 3  # the flash write at which the power goes
DEEPSLEEP = 4
RESET = 5
SOFT_RESET = 6
WDT_FEED = 7
RTC_SET = 8
RTC_MEMORY_READ = 9
RTC_MEMORY_WRITE = 10
WAKE_ON_PIN = 11
TIMER = 12
LISTEN = 14  # the program itself reads what arrives at the serial port
WAIT = 13  # µs i64 on a virtual clock; answered with its offset, µs i64, and grace, ms u16, in time or sooner

PIN_INIT = 16
PIN_READ = 17
PIN_WRITE = 18
PIN_IRQ = 19
ADC_READ = 20
ONEWIRE_RESET = 21
ONEWIRE_WRITE = 22
ONEWIRE_READ = 23

I2C_WRITE = 33
I2C_READ = 34
I2C_SCAN = 35
SPI_TRANSFER = 37
UART_INIT = 38
UART_CLOSE = 39
UART_WRITE = 40
UART_ANY = 41

NVS_GET = 48
NVS_SET = 49
NVS_ERASE = 50
NVS_COMMIT = 51
WIFI_ACTIVE = 52
WIFI_CONNECT = 53
WIFI_DISCONNECT = 54
WIFI_STATUS = 55

# What the board host sends.
OK = 0
OS_ERROR = 1  # errno i32, text
VALUE_ERROR = 2  # 0 i32, text
INTERRUPT = 3  # unasked: source u8, number u8

FROM_PIN = 0
FROM_TIMER = 1
FROM_KEYBOARD = 2  # Ctrl-C

# Requests that get no answer.
POSTED = (WDT_FEED, PIN_WRITE)

# HELLO's answer, before the UART numbers and the image's path: reset cause, wake reason, RTC (µs since 2000),
# flash operations until the power goes (-1: never), torn, blocks, first year of time(), whether it is an
# ESP32-S3, unique id, whether time is virtual, where ticks begin (ms), UARTs.
NO_TICKS = 0xFFFFFFFF  # ticks are those of the interpreter
HELLO_FORMAT = "<BBqiBHHB6sBIB"
