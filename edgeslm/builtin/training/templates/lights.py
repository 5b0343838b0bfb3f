"""Brightness and colour."""

from .family import family

LIT = "light:12 lamp:5 night_light:1.5"
COLOURED = "light:12 lamp:5 night_light:1.5 christmas_lights:1"

BRIGHTNESS = family(
    "brightness",
    "action=set",
    devices=LIT,
    share=1.2,
    table="""
set {t} to {pct}
set {t} at {pct}
set the brightness of {t} to {pct}
set {t} brightness to {pct}
put {t} at {pct}
put {t} to {pct}
put {t} on {pct}
turn {t} to {pct}
turn {t} up to {pct}
turn {t} down to {pct}
turn up {t} to {pct}
turn down {t} to {pct}
bring {t} to {pct}
bring {t} down to {pct}
bring {t} up to {pct}
take {t} down to {pct}
take {t} to {pct}
dim {t} to {pct}
dim {t} down to {pct}
brighten {t} to {pct}
brighten {t} up to {pct}
adjust {t} to {pct}
change {t} to {pct}
change the brightness of {t} to {pct}
lower {t} to {pct}
raise {t} to {pct}
reduce {t} to {pct}
increase {t} to {pct}
decrease {t} to {pct}
make {t} {pct}
make {t} {pct} bright
get {t} to {pct}
{t} to {pct}
{t} at {pct}
{t} {npct}
{t} brightness {npct}
{t} brightness to {pct}
{t} on {npct}
{t} on at {npct}
{t} dimmed to {pct}
turn on {t} at {npct}
turn {t} on at {npct}
turn on {t} to {npct}
switch {t} on at {npct}
switch on {t} at {npct} brightness
i want {t} at {pct}
i'd like {t} at {pct}
i would like {t} dimmed to {pct}
i need {t} at {pct}
let's have {t} at {pct}
can i have {t} at {pct}
can i get {t} at {npct} brightness
could we have {t} at {pct}
would you mind setting {t} to {pct}
would you mind dimming {t} to {pct}
how about {t} at {pct}
{npct} for {t}
{npct} brightness for {t}
{npct} on {t}
dim the {d} to {pct} {in}
set the {d} {in} to {pct}
set the {d} to {pct} {in}
{in} set the {d} to {pct}
{in} dim the {d} to {pct}
brightness {npct} {in} -> device=light
brightness to {pct} {in} -> device=light
set brightness to {pct} {in} -> device=light
dim the {room} to {pct} -> device=light
{t} on full -> value=100 unit=%
{t} on full brightness -> value=100 unit=%
{t} to full brightness -> value=100 unit=%
{t} full blast -> value=100 unit=%
{t} all the way up -> value=100 unit=%
turn {t} all the way up -> value=100 unit=%
turn {t} up all the way -> value=100 unit=%
turn {t} up fully -> value=100 unit=%
turn {t} on full -> value=100 unit=%
set {t} to full brightness -> value=100 unit=%
set {t} to maximum brightness -> value=100 unit=%
put {t} on maximum -> value=100 unit=%
put {t} to the max -> value=100 unit=%
make {t} as bright as possible -> value=100 unit=%
give me full brightness on {t} -> value=100 unit=%
maximum brightness for {t} -> value=100 unit=%
set {t} to half brightness -> value=50 unit=%
turn {t} down to half brightness -> value=50 unit=%
{t} at half power -> value=50 unit=%
dim {t} halfway -> value=50 unit=%
""",
)

BRIGHTER = family(
    "brighter",
    "action=increase",
    devices=LIT,
    table="""
brighten {t}
brighten {t} [{abit}]
brighten up {t}
brighten {t} up [{abit}]
brighten {t} by {dpct}
make {t} brighter
make {t} [{abit}] brighter
make {t} shine brighter
turn up {t}
turn {t} up
turn {t} up [{abit}]
turn {t} up by {dpct}
turn up {t} by {dpct}
turn up the brightness of {t}
increase {t}
increase {t} by {dpct}
increase the brightness of {t}
increase the brightness of {t} by {dpct}
increase brightness {in} -> device=light
raise {t}
raise {t} by {dpct}
raise the brightness of {t}
boost {t}
boost the brightness of {t} by {dpct}
bring {t} up [{abit}]
bring up the brightness of {t}
crank up {t}
crank {t} up
step {t} up by {dpct}
{t} brighter
{t} [{abit}] brighter
{t} up
{t} up {dpct}
{t} up by {dpct}
brighter {in} -> device=light
more light {in} -> device=light
more light [please] -> device=light
some more light {in} -> device=light
a bit more light {in} -> device=light
give me more light {in} -> device=light
i need more light {in} -> device=light
i want more light {in} -> device=light
i'd like more light {in} -> device=light
i'd like it brighter {in} -> device=light
make it brighter {in} -> device=light
make it [{abit}] brighter in here -> device=light
make the {room} brighter -> device=light
brighten the {room} -> device=light
brighten up the {room} [{abit}] -> device=light
can we have more light {in} -> device=light
could i have [{abit}] more light {in} -> device=light
i'd like {t} [{abit}] brighter
i want {t} brighter
would you mind making {t} brighter
would you mind brightening {t} [{abit}]
let's make {t} brighter
it's too dark {inq} -> device=light
it's so dark {inq} -> device=light
it's very dark {inq} -> device=light
it's pretty dark {inq} -> device=light
it's dark {inq} -> device=light
it is way too dark {inq} -> device=light
it's getting dark {inq} -> device=light
the {room} is too dark -> device=light
the {room} is so dark -> device=light
too dark {inq} -> device=light
{t} {is} too dim
{t} {is} too dark
{t} {is} not bright enough
{t} {isnt} bright enough
i can't see {inq} -> device=light
i can't see anything {inq} -> device=light
i can hardly see {inq} -> device=light
i can't see a thing {inq} -> device=light
i can't see anything {in}, it's too dark -> device=light
i can't read {inq}, it's too dark -> device=light
there's not enough light {inq} -> device=light
there isn't enough light {inq} -> device=light
we need more light {inq} -> device=light
why is it so dark {inq} -> device=light
could it be [{abit}] brighter {inq} -> device=light
""",
)

DIMMER = family(
    "dimmer",
    "action=decrease",
    devices=LIT,
    table="""
dim {t}
dim {t}
dim {t} [{abit}]
dim down {t}
dim {t} down [{abit}]
dim {t} by {dpct}
dim the {d} {in} [{abit}]
dim the {room} -> device=light
dim the {room} {abit} -> device=light
make {t} dimmer
make {t} [{abit}] dimmer
make {t} [{abit}] darker
make {t} less bright
turn down {t}
turn {t} down
turn {t} down [{abit}]
turn {t} down by {dpct}
turn down {t} by {dpct}
turn down the brightness of {t}
decrease {t}
decrease {t} by {dpct}
decrease the brightness of {t}
decrease the brightness of {t} by {dpct}
lower {t}
lower {t} by {dpct}
lower {t} [{abit}]
lower the brightness of {t}
lower the brightness {in} -> device=light
reduce {t}
reduce {t} by {dpct}
reduce the brightness of {t}
reduce the brightness of {t} by {dpct}
bring {t} down [{abit}]
bring down the brightness of {t}
take {t} down [{abit}]
soften {t}
soften {t} [{abit}]
tone down {t}
{t} dimmer
{t} [{abit}] dimmer
{t} darker
{t} down
{t} down {dpct}
{t} down by {dpct}
dimmer {in} -> device=light
less light {in} -> device=light
less light [please] -> device=light
a bit less light {in} -> device=light
give me less light {in} -> device=light
i want less light {in} -> device=light
i'd like less light {in} -> device=light
i'd like it dimmer {in} -> device=light
make it darker {in} -> device=light
make it [{abit}] dimmer in here -> device=light
make the {room} [{abit}] darker -> device=light
make the {room} dimmer -> device=light
can we have less light {in} -> device=light
could i have [{abit}] less light {in} -> device=light
i'd like {t} [{abit}] dimmer
i want {t} dimmer
i want {t} dimmed
i'd like {t} dimmed [{abit}]
would you mind dimming {t} [{abit}]
would you mind making {t} dimmer
let's dim {t}
it's too bright {inq} -> device=light
it's so bright {inq} -> device=light
it's very bright {inq} -> device=light
it's a bit too bright {inq} -> device=light
it is way too bright {inq} -> device=light
the {room} is too bright -> device=light
the {room} is so bright -> device=light
too bright {inq} -> device=light
{t} {is} too bright
{t} {is} too strong
{t} {is} so bright it hurts my eyes
{t} {is} blinding me
{t} {is} hurting my eyes
{t} {is} giving me a headache
there's too much light {inq} -> device=light
why is it so bright {inq} -> device=light
could it be [{abit}] dimmer {inq} -> device=light
""",
)

COLOR = family(
    "color",
    "action=set",
    devices=COLOURED,
    table="""
set {t} to {color}
set {t} {color}
set the color of {t} to {color}
set the colour of {t} to {color}
set {t} color to {color}
turn {t} {color}
turn {t} to {color}
make {t} {color}
make {t} go {color}
make {t} glow {color}
make {t} shine {color}
make the color of {t} {color}
change {t} to {color}
change {t} color to {color}
change the color of {t} to {color}
change the colour of {t} to {color}
switch {t} to {color}
switch the color of {t} to {color}
put {t} on {color}
put {t} in {color}
put {t} to {color}
color {t} {color}
paint {t} {color}
light {t} {color}
light up the {room} in {color} -> device=light
light the {room} in {color} -> device=light
light the {room} {color} -> device=light
make the {room} {color} -> device=light
turn the {room} {color} -> device=light
set the {room} to {color} -> device=light
{color} light {in} -> device=light
{color} lights {in} -> device=light
{color} lighting {in} -> device=light
{color} light please -> device=light
{color} for {t}
{color} {d} {in}
{color} please for {t}
{t} {color}
{t} to {color}
{t} in {color}
{t} on {color}
{t} {color} please
{t} color {color}
turn on {t} in {color}
turn {t} on in {color}
switch on {t} in {color}
switch {t} on in {color}
i want {t} {color}
i want {t} in {color}
i want {color} light {in} -> device=light
i'd like {t} in {color}
i'd like {t} to be {color}
i'd like {color} light {in} -> device=light
i would like {t} {color}
i need {t} {color}
let's make {t} {color}
let's have {color} light {in} -> device=light
let's have {t} in {color}
can i get {t} in {color}
can i have {t} in {color}
can we have {color} lights {in} -> device=light
could {t} be {color}
could we have {t} in {color}
would you mind making {t} {color}
would you mind turning {t} {color}
would you mind changing {t} to {color}
how about {color} for {t}
how about {t} in {color}
give me {color} light {in} -> device=light
give me {t} in {color}
give {t} a {color} color
adjust {t} to {color}
go {color} with {t}
have {t} go {color}
in the {room} make the {d} {color}
{in} turn the {d} {color}
{in} set the {d} to {color}
{in}, {color} light -> device=light
""",
)

COLOR_AND_BRIGHTNESS = family(
    "color_brightness",
    "action=set",
    devices=COLOURED,
    share=1.3,
    table="""
set {t} to {color} at {npct}
set {t} to {color} and {npct}
set {t} to {npct} {color}
set {t} to {npct} and {color}
set {t} {color} at {npct} brightness
make {t} {color} at {npct}
make {t} {color} and {npct} bright
turn {t} {color} at {npct}
turn {t} {color} and dim {it} to {npct}
turn on {t} in {color} at {npct}
change {t} to {color} with {npct} brightness
{t} {color} at {npct}
{t} {color} {npct}
{t} to {color}, {npct}
{t} in {color} at {npct}
{t} at {npct} in {color}
{npct} {color} for {t}
i want {t} {color} at {npct}
i'd like {t} in {color} at {npct}
can i get {t} in {color} at {npct}
put {t} on {color} at {npct}
dim {t} to {npct} and make {it} {color}
switch {t} to {color} with {npct} brightness
give me {color} light at {npct} {in} -> device=light
""",
)

FAMILIES = (BRIGHTNESS, BRIGHTER, DIMMER, COLOR, COLOR_AND_BRIGHTNESS)
