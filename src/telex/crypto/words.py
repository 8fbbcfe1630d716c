"""Codes that a person reads to another: `4-puzzle-orbit`.

Rules kept here: a code is the invitation's number and two of 256 words, 16 bits of chance; the words differ from each
other by three letters at least, so that a slip is found, and said, before anything is sent.
"""

from __future__ import annotations

from telex.core.names import nearest
from telex.core.record import Record
from telex.errors.between import CodeInvalid

_LISTED = """
acorn album almond amber anchor ankle apron arcade arctic armor artist aspen atlas autumn avenue badger bakery
bamboo banjo barrel basket beacon beaver bottle branch bridge bronze bubble butter cabin cactus camera canyon
captain carpet castle cedar cello ceramic chalk chapel cherry chimney circus clover cobalt coconut comet compass
copper cotton cricket crossword crystal cushion daisy dancer delta denim desert diamond dolphin domino donkey
dragon drizzle drummer eagle echo eclipse elbow emerald engine envoy equator fabric feather fennel fiddle filter
flute forest fossil freckle frigate frozen furnace galaxy gallery garden garlic gazelle ginger giraffe glacier
goblet gondola granite gravel guitar gymnast hamlet hammock harvest helmet hickory horizon hornet husky hydrant
iceberg igloo indigo inkwell island ivory jaguar jasmine jigsaw jungle juniper kayak keyhole kimono kitchen kiwi
koala lagoon lantern lemon leopard library lilac linen lizard lobster locket lyric magnet marble meadow mercury
meteor mint mirror mitten monsoon mosaic muffin museum mustard napkin narwhal nectar needle nickel nougat nutmeg
oasis oatmeal obelisk ocean octopus olive onion opal orbit orchid origami osprey palace panda parrot pasture
peanut pelican pencil phoenix piano pigeon pilgrim pillow pioneer pirate plaza polar poncho poppy portal potato
prairie prism pulley pumpkin puzzle pyramid quarry quiver rabbit raccoon radish rainbow ribbon ripple rubber
rustic saffron sailor satchel saturn scooter seagull shelter shovel signal sketch slipper spider spinach sponge
stable steeple sunset swallow symbol tadpole tennis thimble thunder tornado tractor trumpet tulip turkey turtle
unicorn utopia vacuum vanilla vapor violin volcano voyage vulture waffle walnut weasel whisker window wombat
yacht yogurt zebra zenith zephyr zigzag
"""
WORDS = tuple(_LISTED.split())
WORDS_OF_A_CODE = 2
CHANCE_BYTES = WORDS_OF_A_CODE  # one for each word

_NUMBER_DIGITS = 9


class Code(Record):
    """An invitation's number, and the words that only the two who pair know."""

    nameplate: int
    words: str  # with '-' between them

    def written(self) -> str:
        """As it is read aloud."""
        return f"{self.nameplate}-{self.words}"


def chosen(chance: bytes) -> str:
    """The words that random bytes choose, one for each byte."""
    return "-".join(WORDS[byte] for byte in chance)


def parse(text: str) -> Code:
    """The code that somebody typed, with '-' or spaces in it. Raises CodeInvalid."""
    number, *words = text.strip().lower().replace("-", " ").split() or [""]
    if not (number.isascii() and number.isdigit() and len(number) <= _NUMBER_DIGITS and int(number) > 0):
        raise CodeInvalid(problem="it does not begin with a number")
    if len(words) != WORDS_OF_A_CODE:
        raise CodeInvalid(problem=f"it has {len(words)} words after the number, not {WORDS_OF_A_CODE}")
    for word in words:
        if word not in WORDS:
            near = nearest(word, list(WORDS))
            raise CodeInvalid(
                problem=f"'{word[:40]}' is none of its words" + (f"; did you mean '{near}'?" if near else "")
            )
    return Code(nameplate=int(number), words="-".join(words))
