"""Open text: songs, films, chores, timers, and random words, so that copying is learned rather than a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .tables import listed

if TYPE_CHECKING:
    from random import Random

GENRES = listed(
    """
jazz, rock, pop, classical music, lofi, lofi beats, hip hop, country, blues, folk, techno, house music, ambient,
soul, funk, reggae, metal, punk, opera, disco, indie rock, piano music, christmas music, christmas songs,
relaxing music, dance music, workout music, sleep sounds, rain sounds, white noise, ocean sounds, nature sounds,
children's songs, lullabies, salsa, bossa nova, r&b, soft rock, classic rock, 80s hits, 90s hits, old songs,
dinner music, party music, study music, film music, smooth jazz, swing, gospel, electronic music, k-pop,
acoustic guitar, morning playlist, my playlist, my workout playlist, the news, the radio, a podcast,
my favorites, birdsong, meditation music, happy songs, sad songs, love songs, thunderstorm sounds,
a true crime podcast, the morning news, jazz radio, bbc radio 4, campfire sounds
""",
    ",",
)
FIRST = listed(
    """
adele, bob, david, miles, nina, john, paul, taylor, billie, ella, louis, frank, elton, norah, johnny, amy, kate,
stevie, bruce, leonard, nick, sam, ed, dua, lana, harry, bruno, maria, anna, carlos, omar, yuki, lars, ingrid,
pablo, elena, fatima, tom, lou, iggy, patti, joni, neil, tina, freddie, george, ray, otis, aretha, sarah,
ludovico, max, hans
""",
    ",",
)
LAST = listed(
    """
bowie, dylan, davis, simone, lennon, swift, eilish, armstrong, sinatra, john, jones, cash, winehouse, bush,
wonder, springsteen, cohen, cave, smith, sheeran, lipa, del rey, styles, mars, lopez, garcia, tanaka, larsen,
moreno, petrova, haddad, waits, reed, pop, mitchell, young, turner, mercury, harrison, charles, redding,
franklin, vaughan, einaudi, richter, zimmer
""",
    ",",
)
BANDS = listed(
    """
the beatles, queen, abba, coldplay, radiohead, pink floyd, the rolling stones, led zeppelin, nirvana, u2,
daft punk, the doors, the cure, arctic monkeys, metallica, oasis, blur, fleetwood mac, the eagles, toto, a-ha,
depeche mode, muse, gorillaz, the killers, bach, mozart, beethoven, chopin, vivaldi, debussy, beyonce, rihanna,
drake, eminem, prince, madonna, shakira, moby, enya, sade, bjork, massive attack, portishead, air, kraftwerk,
the smiths, the clash, the who, green day, rem, pearl jam
""",
    ",",
)
TITLES = listed(
    """
bohemian rhapsody, yesterday, hello, imagine, let it be, hey jude, dancing queen, thriller, billie jean,
wonderwall, yellow, fix you, clocks, hotel california, africa, take on me, purple rain, like a prayer,
shape of you, bad guy, happy, halo, umbrella, stairway to heaven, smells like teen spirit, clair de lune,
moonlight sonata, the four seasons, fly me to the moon, what a wonderful world, here comes the sun,
come together, space oddity, heroes, life on mars, take five, feeling good, stand by me, lean on me,
sweet home alabama, born to run, dark side of the moon, abbey road, kind of blue, rumours, back in black,
game of thrones, stranger things, the crown, friends, the office, breaking bad, the simpsons, planet earth,
peppa pig, frozen, the lion king, toy story, finding nemo, star wars, the matrix, inception, titanic,
jurassic park, harry potter, the godfather, casablanca, home alone, die hard, top gun,
the great british bake off, sesame street, doctor who, sherlock, blue planet, the news, the football, bluey,
cars, up
""",
    ",",
)
ADJECTIVES = listed(
    """
blue, red, golden, silver, broken, silent, wild, lonely, sweet, bitter, happy, lost, hidden, little, big, last,
first, old, new, strange, secret, frozen, burning, electric, midnight, summer, winter, paper, glass, wooden,
iron, velvet, crystal, hollow, endless, distant, gentle, crazy, quiet, loud, bright, dark, fast, slow, northern,
southern, perfect, royal, rusty, young, deep
""",
    ",",
)
NOUNS = listed(
    """
sky, river, moon, sun, star, heart, road, train, rain, snow, fire, water, wind, mountain, ocean, island, forest,
garden, house, window, mirror, shadow, dream, night, morning, dancer, stranger, king, queen, soldier, angel,
devil, ghost, wolf, bird, horse, lion, tiger, rose, flower, tree, stone, bridge, city, street, song, story,
letter, winter, summer, machine, engine, rocket, planet, diamond, feather, candle, lantern, harbor, valley,
desert, tower, castle, circus, carnival, summer, memory, promise, journey, battle, kingdom, orchestra, robot,
penguin, monkey, apple, orange
""",
    ",",
)
WORDS = (
    ADJECTIVES
    + NOUNS
    + listed(
        """
table, carpet, pencil, bottle, pillow, basket, button, camel, ticket, pepper, butter, cheese, banana, potato,
tomato, onion, bread, honey, sugar, salt, coffee, tea, juice, wine, pasta, pizza, chicken, turkey, salmon, tuna,
rice, beans, soup, salad, cake, cookie, muffin, pie, egg, bacon, sausage, steak, lamb, noodle, broccoli, carrot,
spinach, walnut, almond, lemon, cherry, grape, jacket, shoes, socks, gloves, scarf, hat, shirt, dress, belt,
wallet, keys, glasses, phone, laptop, tablet, printer, paper, envelope, stamp, package, bicycle, car, bus,
plane, boat, truck, doctor, dentist, teacher, lawyer, plumber, painter, neighbor, grandma, uncle, cousin,
sister, brother, mother, father, baby, puppy, kitten, hamster, rabbit, turtle, parrot, elephant, giraffe,
school, office, church, museum, library, station, airport, hospital, market, bakery, pharmacy, theater, cinema,
stadium, park, beach, hotel, bank, library, gym, violin, guitar, drum, piano, flute
""",
        ",",
    )
)
_HOUSEHOLD = frozenset(
    listed("""
window robot house garden office library gym machine fire laptop tablet carpet city street school music water
light
""")
)
_LIFELESS = tuple(w for w in WORDS[len(ADJECTIVES) :] if w not in _HOUSEHOLD)
CHORES = listed(
    """
call, phone, text, email, visit, pick up, thank, meet, write to, pay, ring, message
""",
    ",",
)
PEOPLE = listed(
    """
mom, dad, my mother, my sister, my brother, grandma, the dentist, the doctor, the vet, the bank, the plumber,
the landlord, the school, my boss, anna, john, lisa, tom, sarah, uncle bob, the insurance company,
the electrician, the kids, my wife, my husband, the neighbor, maria, granny, the office, aunt may,
the babysitter, ben, emma
""",
    ",",
)
ACTS = listed(
    """
take out, buy, order, pay for, clean, wash, fix, check, return, pick up, bring, pack, prepare, send, sign,
print, water, feed, renew, book, collect, change, iron, fold, move, charge, find, empty, cancel, finish, read,
sell, call about, look for, get, throw away, put away, defrost, bake, cook, marinate, stir, turn over, take
""",
    ",",
)
OBJECTS = listed(
    """
the trash, the bins, milk, some bread, eggs, the plants, the dog, the cat, the fish, the car, the bill,
the rent, the laundry, my passport, the tickets, the package, the parcel, the report, a birthday card, flowers,
my medicine, the pills, my vitamins, the groceries, dog food, cat litter, the library books, the invoice,
the taxes, my homework, the cake, the chicken, the turkey, the bread, the filter, the batteries, the shopping,
a present, my gym bag, the lunch boxes, the car keys, the meat, the dough, the windows, the shed, the fridge,
coffee beans, toilet paper, the hotel, the flight, the train tickets, the dry cleaning, my umbrella,
the recycling, the letter, the post, the form, the contract, the bike, the lawn mower, nappies, wine for dinner
""",
    ",",
)
WHOLE_CHORES = listed(
    """
take my pills, take my medicine, go to bed, go to the gym, go for a run, do the laundry, do the dishes,
do my homework, walk the dog, feed the cat, water the plants, take out the trash, check the oven,
check the post, stretch, drink some water, drink more water, stand up, leave for work, leave for the airport,
pick up the kids, pick up the kids from school, call mom, lock up, turn off the oven, close the windows,
start dinner, make dinner, prepare lunch, get ready, wake up the kids, bring in the washing,
take the cake out of the oven, put the bins out, flip the steaks, breathe, meditate, practice piano,
practice spanish, study for the exam, charge my phone, pay the rent, change the sheets, open the mail,
mow the lawn
""",
    ",",
)
EVENTS = listed(
    """
the meeting, the dentist appointment, my doctor's appointment, the parents' evening, the football match,
my flight, the train, mom's birthday, dad's birthday, the birthday party, our anniversary, the school play,
the interview, the exam, yoga class, my piano lesson, the dinner with anna, the conference call, the delivery,
the game, the concert, garbage day, the laundry, the dishes, the rent, my medication, the plumber,
the vet appointment, the wedding, the barbecue, the team meeting, the phone call with john, swimming lessons,
the haircut, my haircut, the garden party, the electrician, the oil change, the tax return, the baby shower,
the vaccination, book club, choir practice, the car inspection, the deadline
""",
    ",",
)
TIMERS = listed(
    """
pasta, egg, eggs, pizza, tea, rice, cake, cookies, bread, chicken, potatoes, steak, noodles, soup, laundry, nap,
workout, study, break, homework, parking, oven, cookie, roast, lasagna, muffins, coffee, meditation, yoga,
reading, bath, screen time, quiet time, dough, ribs, turkey, fish, vegetables, sauce, stew, bacon, toast, plank,
sauna, meeting, phone, game, tea break, brownies, quiche
""",
    ",",
)
PLACES = listed(
    """
france, paris, london, new york, tokyo, germany, italy, spain, berlin, rome, australia, sydney, canada, toronto,
china, japan, india, brazil, mexico, chicago, boston, texas, florida, madrid, vienna, norway, sweden, egypt,
peru, kenya, moscow, dublin, portugal, lisbon, athens, greece, turkey, the moon, hawaii, california, amsterdam,
prague, zurich, seattle
""",
    ",",
)
IMPOSSIBLES = listed(
    """
fridge, freezer, car, bicycle, phone, book, page, sky, moon, sun, stars, river, bus, train, plane, piano,
guitar, shower, bathtub, sink, tap, candle, candles, bottle, jar, box, drawer, cupboard, cabinet, suitcase,
wallet, umbrella, door handle, carpet, table, chair, sofa, couch, bed, mattress, pillow, mirror, clock, watch,
calculator, printer, lawn mower, bike, boat, tractor, rocket, spaceship, elevator, escalator, traffic light,
cat, dog, neighbor, teacher, boss, grandma, baby, horse, elephant, pizza, cake, soup, sandwich, salad, beer,
wine, milk, laundry basket, trash can, toothbrush, shoes, socks, shirt, hammer, drill, saw, chainsaw,
bank account, email, calendar, map, newspaper, movie theater, restaurant, supermarket, office building, ocean,
mountain, volcano, weather, rain, meeting, party invitation, tax return, stock market, internet bill,
time machine, teleporter, submarine, satellite, helicopter, motorcycle, scooter, skateboard, violin, drum,
treadmill, blender, mixer
""",
    ",",
)
SYLLABLES = listed("""
ba be bi bo bu da de di do du fa fe fi fo ga ge gi go ka ke ki ko la le li lo lu ma me mi mo mu na ne ni no nu
pa pe pi po ra re ri ro ru sa se si so ta te ti to tu va ve vi vo za ze zo ran len tor mar vel dun kas bri tro
sten plo gra shi cho wen zor lin mor fen
""")


def pseudo(rng: Random) -> str:
    """A word nobody has seen."""
    return "".join(rng.choice(SYLLABLES) for _ in range(rng.choice((2, 2, 3, 3, 4))))


def keys(rng: Random) -> str:
    """Letters as if a cat had walked over the keyboard."""
    row = rng.choice(("qwertyuiop", "asdfghjkl", "zxcvbnm", "asdf", "qwerty", "jkl"))
    start = rng.randrange(len(row))
    run = (row + row)[start : start + rng.randint(3, 5)]
    return (
        run
        if rng.random() < 0.6
        else "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 8)))
    )


def thing(rng: Random) -> str:
    """A made-up title of one to three words."""
    draw = rng.random()
    if draw < 0.3:
        return f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}"
    if draw < 0.45:
        return f"the {rng.choice(NOUNS)} {rng.choice(('of', 'and', 'in', 'for'))} the {rng.choice(NOUNS)}"
    if draw < 0.65:
        return " ".join(rng.choice(WORDS) for _ in range(rng.choice((1, 2, 2, 3))))
    if draw < 0.8:
        return pseudo(rng)
    return f"{pseudo(rng)} {rng.choice((pseudo(rng), rng.choice(WORDS)))}"


def artist(rng: Random) -> str:
    """A singer or a band, real or not."""
    draw = rng.random()
    if draw < 0.4:
        return f"{rng.choice(FIRST)} {rng.choice(LAST)}"
    if draw < 0.7:
        return rng.choice(BANDS)
    if draw < 0.85:
        return f"the {rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}s"
    return pseudo(rng) if draw < 0.93 else f"{rng.choice(FIRST)} {pseudo(rng)}"


def song(rng: Random) -> str:
    """Something to play: a genre, an artist, a title, a title by an artist."""
    draw = rng.random()
    if draw < 0.25:
        return rng.choice(GENRES)
    if draw < 0.42:
        return artist(rng)
    title = rng.choice(TITLES) if rng.random() < 0.45 else thing(rng)
    return title if draw < 0.72 else f"{title} by {artist(rng)}"


def todo(rng: Random) -> str:
    """A chore, as it follows "to"."""
    draw = rng.random()
    if draw < 0.35:
        return rng.choice(WHOLE_CHORES)
    if draw < 0.55:
        text = f"{rng.choice(CHORES)} {rng.choice(PEOPLE)}"
        return (
            text
            if rng.random() < 0.7
            else f"{text} about {rng.choice((rng.choice(OBJECTS), 'the ' + rng.choice(WORDS), pseudo(rng)))}"
        )
    if draw < 0.8:
        return f"{rng.choice(ACTS)} {rng.choice(OBJECTS)}"
    act, article = rng.choice(ACTS), rng.choice(("the", "my", "a", "some"))
    return (
        f"{act} {article} {rng.choice((rng.choice(WORDS), rng.choice(WORDS) + ' ' + rng.choice(WORDS), pseudo(rng)))}"
    )


def what(rng: Random) -> str:
    """What a reminder is about, article kept."""
    draw = rng.random()
    if draw < 0.6:
        return rng.choice(EVENTS)
    if draw < 0.8:
        whose, word = rng.choice(("the", "my", "our")), rng.choice(WORDS)
        return f"{whose} {word} {rng.choice(('appointment', 'meeting', 'party', 'lesson', 'call', rng.choice(WORDS)))}"
    return f"{rng.choice(('the', 'my'))} {rng.choice((rng.choice(WORDS), pseudo(rng)))}"


def timer(rng: Random) -> str:
    """What a timer is for."""
    draw = rng.random()
    if draw < 0.65:
        return rng.choice(TIMERS)
    return rng.choice(WORDS) if draw < 0.9 else pseudo(rng)


def impossible(rng: Random) -> str:
    """A thing no house switches."""
    draw = rng.random()
    if draw < 0.75:
        return rng.choice(IMPOSSIBLES)
    return rng.choice(_LIFELESS) if draw < 0.9 else f"{rng.choice(ADJECTIVES)} {rng.choice(IMPOSSIBLES)}"
