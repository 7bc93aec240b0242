"""Open-ended values: names, numbers, codes, dates and words, most of them never seen before.

A tenth of every open value space (by hash) is kept for evaluation, so that training never holds a
value that evaluation asks for. What can be answered is therefore only what can be copied.
"""

import hashlib
import random

ONSETS = (
    "b c d f g h j k l m n p r s t v w z br cr dr fr gr kr pl pr sh sl st th tr ch qu x y"
).split()
VOWELS = "a e i o u a e i o ai ea ou ie oo y".split()
ENDINGS = (
    "n r s l m k x th nd rt ck ll ss t d na ro lia mar dor ton vik son ra ne ta rick bel wen by"
).split()
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
MONTHS = (
    "January February March April May June July August September October November December"
).split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
COLOURS = (
    "red blue green yellow orange purple pink brown black white grey teal turquoise crimson "
    "violet maroon amber olive beige indigo silver gold"
).split()
FOODS = (
    "pizza pasta sushi peanuts shellfish milk eggs soy wheat strawberries mushrooms lasagna curry "
    "tacos ramen paella walnuts sesame gluten celery mustard cashews soup salad noodles rice "
    "dumplings pancakes cheese chocolate bread fish chicken beans honey"
).split()
JOBS = (
    "nurse teacher plumber carpenter lawyer pilot baker chemist farmer dentist librarian "
    "electrician surgeon translator architect welder cook gardener accountant journalist "
    "engineer designer driver mechanic doctor painter"
).split()
NAMES = (
    "Alice Bob Anna Ben Carla David Emma Felix Grace Henry Ida Jack Julia Karl Laura Leo Maria "
    "Max Nina Oscar Paul Rosa Sam Sara Tom Vera Will Zoe Peter Lucy Omar Priya Chen Yuki Fatima "
    "Ivan Olga Marta Pedro Sofia Liam Noah Mia Ella Rex Luna Bella Charlie Milo Daisy Buddy Coco"
).split()
PLACES = (
    "Paris London Berlin Madrid Rome Lisbon Porto Oslo Vienna Prague Dublin Boston Chicago Denver "
    "Seattle Toronto Tokyo Delhi Cairo Sydney Lima Quito Geneva Hamburg Munich Naples Milan Turin "
    "Seville Valencia Kyoto Osaka Austin Dallas Leeds York Bristol Ghent Bruges Zurich Barcelona"
).split()
NOUNS = (
    "apple anchor arrow badge bag ball bank barn basket battery beach bell bicycle bird blanket "
    "boat book bottle bowl box branch brick bridge brush bucket button cabin cable cake camera "
    "candle canoe card carpet castle cat chair chalk chess church circle clock cloud coat coffee "
    "coin comb compass cookie copper corner cotton couch cow crane crown cup curtain desk diamond "
    "dish dock donkey door drawer dress drum eagle engine falcon feather fence field flag flower "
    "forest fork fountain fox frame garden gate glass glove goat guitar hammer harbour hat hill "
    "horse island jacket jar kettle key kitchen kite ladder lake lamp lantern leaf lemon letter "
    "lion maple market mirror moon mountain needle nest ocean oven paddle painting paper pear "
    "pencil piano pillow pine pipe planet plate pocket pond puzzle rabbit rain ribbon ring river "
    "robot rocket roof rope rose saddle sail scarf school shelf shell ship shoe silk snow spoon "
    "square star stone storm street sugar sun sweater table tea tent tiger tower toy train tree "
    "tulip tunnel umbrella valley vase violin wagon wall watch water wheel whistle window wolf"
).split()
ACTIVITIES = (
    "swimming running hiking chess football tennis painting reading cooking gardening fishing "
    "dancing singing yoga climbing cycling sailing skiing boxing golf photography knitting jazz "
    "history physics biology economics law medicine music art coffee tea juice water beer wine"
).split()
COUNTS = "one two three four five six seven eight nine ten twelve no".split()
SPOT_WORDS = "in in in on on under behind above beside near at inside".split()
ADJECTIVES = (
    "old new red blue green small big main north south east west upper lower second third central "
    "hidden quiet bright dark broken wooden golden silver spare warm cold heavy plain round"
).split()


def kept_for_evaluation(text):
    """Whether a value belongs to the tenth that training never sees."""
    return hashlib.md5(text.lower().encode()).digest()[0] % 10 == 0


def capital(text):
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


class Values:
    """Draws values of a kind; `held_out` draws only from the part kept for evaluation."""

    # Alphabetic pieces of the tokenizer: words made of them let every piece be copied in training.
    pieces = []
    # Common words, for names and nouns that the lists do not hold.
    words = ()

    def __init__(self, rng, held_out=False):
        self.rng = rng
        self.held_out = held_out

    def draw(self, kind):
        """A value of this kind."""
        return getattr(self, kind)()

    def _open(self, make):
        while True:
            value = make()
            if kept_for_evaluation(value) == self.held_out:
                return value

    def _listed(self, listed, make, share):
        """A listed value with probability `share` in training; evaluation takes open ones."""
        if not self.held_out and self.rng.random() < share:
            return self.rng.choice(listed)
        return make()

    def _syllables(self):
        rng, kind = self.rng, self.rng.random()
        if kind < 0.25 and self.pieces:
            count = rng.randint(1, 3)
            text = "".join(rng.choice(self.pieces) for _ in range(count))[:12].lower()
        elif kind < 0.3:
            text = "".join(rng.choice(LETTERS.lower()) for _ in range(rng.randint(3, 7)))
        else:
            count = rng.choice((1, 1, 2, 2, 3))
            text = "".join(rng.choice(ONSETS) + rng.choice(VOWELS) for _ in range(count))
            if rng.random() < 0.6:
                text += rng.choice(ENDINGS)
        return text if len(text) > 2 else text + rng.choice(VOWELS) + rng.choice(ONSETS)

    def _noun(self):
        return self._listed(
            (*NOUNS, *ACTIVITIES), lambda: self._open(self._syllables), 0.5
        )

    def word(self):
        if self.rng.random() < 0.2:
            return self.rng.choice((*ADJECTIVES, self._open(self._syllables))) + " " + self._noun()
        return self._noun()

    def thing(self):
        tail = self._noun() if self.rng.random() < 0.7 else self.word()
        if self.rng.random() < 0.2:
            return self.rng.choice(("my ", "the ", "some ", "two ", "")) + tail
        return ("an " if tail[0] in "aeiou" else "a ") + tail

    def meal(self):
        if self.rng.random() < 0.5:
            return self.food()
        return self.food() + self.rng.choice((" ", " ", " with ", " and ")) + self.food()

    def count(self):
        return self.rng.choice(COUNTS) if self.rng.random() < 0.7 else self.digits(1, 2)

    def month(self):
        return self.rng.choice(MONTHS)

    def weekday(self):
        return self.rng.choice(WEEKDAYS)

    def proper(self):
        if not self.held_out and self.rng.random() < 0.12:
            return capital(self.rng.choice((*NOUNS, *self.words)))
        return capital(self._open(self._syllables))

    def name(self):
        return self._listed(NAMES, self.proper, 0.25)

    def person(self):
        choice = self.rng.random()
        if choice < 0.08:
            return self.rng.choice(("Dr. ", "Mr. ", "Mrs. ", "Ms. ", "Professor ")) + self.proper()
        return self.name() if choice < 0.72 else self.name() + " " + self.proper()

    def place(self):
        if self.rng.random() < 0.08:
            return self.proper() + ", " + self.proper()
        if self.rng.random() < 0.1:
            return self.rng.choice(("New", "Port", "Saint", "Upper")) + " " + self.proper()
        return self._listed(PLACES, self.proper, 0.25)

    def title(self):
        rng, kind = self.rng, self.rng.random()
        if kind < 0.4:
            return self.proper()
        if kind < 0.6:
            return self.proper() + " " + self.proper()
        return "The " + capital(rng.choice(ADJECTIVES)) + " " + capital(self.word())

    def model(self):
        tail = self.rng.random()
        if tail < 0.4:
            return self.proper()
        if tail < 0.7:
            return self.proper() + " " + self.digits(1, 4)
        return self.proper() + " " + self.rng.choice(LETTERS) + self.digits(1, 3)

    def digits(self, low, high):
        rng = self.rng
        count = rng.randint(low, high)

        def make():
            return rng.choice(DIGITS[1:]) + "".join(rng.choice(DIGITS) for _ in range(count - 1))

        return make() if count < 3 else self._open(make)

    def number(self):
        return self.digits(1, 5)

    def size(self):
        return self.digits(1, 3)

    def code(self):
        rng, kind = self.rng, self.rng.random()
        if kind < 0.4:
            return self.digits(3, 7)

        def make():
            if kind < 0.55:
                pool = LETTERS + DIGITS
                return "".join(rng.choice(pool) for _ in range(rng.randint(4, 7)))
            if kind < 0.75:
                head = "".join(rng.choice(LETTERS) for _ in range(rng.randint(1, 3)))
                return head + "-" + "".join(rng.choice(DIGITS) for _ in range(rng.randint(2, 5)))
            if kind < 0.9:
                return f"{rng.choice(NOUNS)}-{rng.choice(NOUNS)}-{rng.randint(1, 99)}"
            return self._syllables() + str(rng.randint(1, 9999))

        return self._open(make)

    def phone(self):
        if self.rng.random() < 0.5:
            return self.digits(3, 3) + "-" + self.digits(4, 4)
        return self.digits(7, 9)

    def date(self):
        rng = self.rng
        day, month = rng.randint(1, 28), rng.choice(MONTHS)
        if rng.random() < 0.3:
            tail = "th" if day > 3 else ("st", "nd", "rd")[day - 1]
            return rng.choice((f"{month} {day}{tail}", f"the {day}{tail} of {month}"))
        forms = (f"{month} {day}", f"{day} {month}", f"{month} {day}, {rng.randint(1940, 2035)}")
        return rng.choice(forms)

    def day(self):
        choice = self.rng.random()
        if choice < 0.3:
            return self.rng.choice(WEEKDAYS)
        if choice < 0.5:
            return self.rng.choice(WEEKDAYS) + self.rng.choice((" at ", " ", " at ")) + self.time()
        return self.date()

    def time(self):
        rng = self.rng
        if rng.random() < 0.3:
            return str(rng.randint(1, 12)) + rng.choice((" am", " pm", "am", "pm", " o'clock"))
        tail = rng.choice((" am", " pm", "", "", "am", "pm"))
        return f"{rng.randint(1, 23)}:{rng.randint(0, 59):02d}{tail}"

    def year(self):
        return str(self.rng.randint(1500, 2035))

    def money(self):
        return self.rng.choice(("$", "€", "£", "$")) + self.digits(2, 5)

    def length(self):
        unit = self.rng.choice("years months weeks days hours minutes metres km kg".split())
        return str(self.rng.randint(2, 99)) + " " + unit

    def colour(self):
        return self._listed(COLOURS, lambda: self._open(self._syllables), 0.6)

    def food(self):
        return self._listed(FOODS, lambda: self._open(self._syllables), 0.5)

    def job(self):
        job = self._listed(JOBS, lambda: self._open(self._syllables), 0.6)
        if self.rng.random() < 0.25:
            return self.rng.choice((self._noun(), self.rng.choice(ADJECTIVES))) + " " + job
        return job

    def spot(self):
        rng = self.rng
        place = rng.choice(("the ", "the ", "my ", ""))
        if rng.random() < 0.5:
            place += rng.choice(ADJECTIVES) + " "
        return rng.choice(SPOT_WORDS) + " " + place + self._noun()

    def email(self):
        return f"{self._open(self._syllables)}@{self._open(self._syllables)}.com"
