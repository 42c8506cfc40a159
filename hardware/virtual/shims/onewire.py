# The 1-Wire master that ESP32 firmware carries: same interface, written anew for the virtual board.
import _onewire as _ow


class OneWireError(Exception):
    pass


class OneWire:
    SEARCH_ROM = 0xF0
    MATCH_ROM = 0x55
    SKIP_ROM = 0xCC

    def __init__(self, pin):
        self.pin = pin
        pin.init(pin.OPEN_DRAIN, pin.PULL_UP)

    def reset(self, required=False):
        present = _ow.reset(self.pin)
        if required and not present:
            raise OneWireError
        return present

    def readbit(self):
        return _ow.readbit(self.pin)

    def readbyte(self):
        return _ow.readbyte(self.pin)

    def readinto(self, buf):
        for i in range(len(buf)):
            buf[i] = _ow.readbyte(self.pin)

    def writebit(self, value):
        _ow.writebit(self.pin, value)

    def writebyte(self, value):
        _ow.writebyte(self.pin, value)

    def write(self, buf):
        for byte in buf:
            _ow.writebyte(self.pin, byte)

    def select_rom(self, rom):
        self.reset()
        self.writebyte(self.MATCH_ROM)
        self.write(rom)

    def crc8(self, data):
        return _ow.crc8(data)

    def scan(self):
        # Maxim application note 187: each pass takes the other branch at the last undecided bit.
        roms = []
        rom = bytearray(8)
        last_zero = 64
        while last_zero >= 0:
            last_zero = self._pass(rom, last_zero)
            if last_zero is None:
                break
            roms.append(bytearray(rom))
        return roms

    def _pass(self, rom, branch):
        # Fills rom. Returns the last bit where 0 was chosen of both, -1 if none was left, None on silence.
        if not self.reset():
            return None
        self.writebyte(self.SEARCH_ROM)
        last_zero = -1
        for i in range(64):
            mask = 1 << (i & 7)
            bit, complement = self.readbit(), self.readbit()
            if bit and complement:
                return None
            if not bit and not complement:
                bit = 1 if i == branch or (i < branch and branch < 64 and rom[i >> 3] & mask) else 0
                if not bit:
                    last_zero = i
            rom[i >> 3] = rom[i >> 3] | mask if bit else rom[i >> 3] & ~mask & 255
            self.writebit(bit)
        return last_zero
