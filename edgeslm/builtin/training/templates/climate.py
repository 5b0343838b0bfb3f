"""Heating, cooling, fans and moist air: set points, steps, programs, and wishes that name no device."""

from .family import family

HEATING = "thermostat:10 heater:2 air_conditioner:3 water_heater:0.7"
BLOWING = "fan:6 air_conditioner:2 air_purifier:2"

TEMPERATURE = family(
    "temperature",
    "action=set device=thermostat",
    devices=HEATING,
    share=1.3,
    table="""
set {t} to {deg}
set {t} to {deg}
set {t} at {deg}
set the temperature of {t} to {deg}
put {t} on {deg}
put {t} at {deg}
put {t} to {deg}
turn {t} to {deg}
turn {t} up to {deg}
turn {t} down to {deg}
turn up {t} to {deg}
turn down {t} to {deg}
bring {t} to {deg}
bring {t} up to {deg}
bring {t} down to {deg}
adjust {t} to {deg}
change {t} to {deg}
raise {t} to {deg}
lower {t} to {deg}
increase {t} to {deg}
decrease {t} to {deg}
reduce {t} to {deg}
get {t} to {deg}
get {t} up to {deg}
have {t} at {deg}
keep {t} at {deg}
hold {t} at {deg}
leave {t} at {deg}
{t} to {deg}
{t} at {deg}
{t} {degu}
{t} on {degu}
{t} set to {deg}
turn on {t} at {degu}
turn on {t} to {degu}
turn {t} on at {degu}
switch on {t} at {degu}
i want {t} at {deg}
i'd like {t} at {deg}
i'd like {t} set to {deg}
i would like {t} at {deg}
i need {t} at {deg}
let's have {t} at {deg}
can i have {t} at {deg}
can you get {t} to {deg}
could we have {t} at {deg}
would you mind setting {t} to {deg}
would you mind putting {t} on {deg}
how about {t} at {deg}
{degu} on {t}
{degu} for {t}
set the temperature to {deg}
set the temperature {in} to {deg}
set temperature to {deg} {in}
set the {room} temperature to {deg}
set the {room} to {degu}
set a temperature of {degu} {in}
set the target temperature to {deg}
set the target temperature {in} to {deg}
make it {degu}
make it {degu} {in}
make the {room} {degu}
heat the {room} to {deg}
heat the {room} up to {deg}
warm the {room} to {deg}
warm the {room} up to {deg}
cool the {room} to {deg}
cool the {room} down to {deg}
bring the {room} to {deg}
bring the {room} up to {deg}
bring the temperature {in} to {deg}
raise the temperature to {deg}
raise the temperature {in} to {deg}
lower the temperature to {deg}
lower the temperature {in} to {deg}
drop the temperature to {deg} {in}
change the temperature to {deg} {in}
change the {room} temperature to {deg}
adjust the temperature {in} to {deg}
keep the {room} at {degu}
keep it at {degu} {in}
hold the {room} at {degu}
i want it {degu} {in}
i want the {room} at {degu}
i'd like it to be {degu} {in}
i'd like {degu} {in}
i'd like the {room} at {degu}
it should be {degu} {in}
let's have {degu} {in}
can it be {degu} {in}
temperature to {deg} {in}
temperature {in} to {deg}
{room} temperature to {deg}
{room} temperature {degu}
{room} to {degu}
{room} at {degu}
{degu} {in}
{degu} {in} please
""",
)

WARMER = family(
    "warmer",
    "action=increase device=thermostat",
    devices="thermostat:8 heater:2",
    table="""
turn up {t}
turn {t} up
turn {t} up [{abit}]
turn {t} up by {ddeg}
turn {t} up {ddeg}
turn up {t} by {ddeg}
turn up {t} {ddeg}
increase {t}
increase {t} by {ddeg}
increase the temperature {in}
increase the temperature [{abit}]
increase the temperature by {ddeg}
increase the temperature by {ddeg} {in}
increase the {room} temperature by {ddeg}
raise {t}
raise {t} by {ddeg}
raise the temperature {in}
raise the temperature by {ddeg}
raise the temperature by {ddeg} {in}
raise the {room} temperature [{abit}]
boost {t}
bump {t} up by {ddeg}
bump up {t} {ddeg}
bump up the temperature {in}
bring {t} up by {ddeg}
bring the temperature up [{abit}] {in}
crank up {t}
crank {t} up {ddeg}
push {t} up by {ddeg}
step {t} up by {ddeg}
turn the temperature up {in}
turn the temperature up by {ddeg}
turn up the temperature {in}
turn up the temperature by {ddeg} {in}
put {t} up by {ddeg}
{t} up
{t} up [{abit}]
{t} up {ddeg}
{t} up by {ddeg}
{t} {ddeg} higher
{t} {ddeg} warmer
{ddeg} warmer {in}
{ddeg} more {in}
temperature up {in}
temperature up {ddeg}
make it warmer
make it warmer {in}
make it [{abit}] warmer {in}
make it {ddeg} warmer {in}
make it {ddeg} warmer
make the {room} warmer
make the {room} [{abit}] warmer
make the {room} {ddeg} warmer
warm up the {room}
warm the {room} up [{abit}]
warm it up {inq}
heat up the {room}
heat the {room} [{abit}] more
warmer {in}
[{abit}] warmer please
i'd like it warmer {in}
i'd like it [{abit}] warmer {in}
i want it warmer {in}
i want the {room} warmer
i'd like {t} [{abit}] higher
let's make it warmer {in}
let's warm up the {room}
could it be [{abit}] warmer {in}
can we have it warmer {in}
would you mind turning up {t}
would you mind making it warmer {in}
would you mind making the {room} [{abit}] warmer
more heat {in}
give me more heat {in}
we need more heat {in}
i need some heat {in}
i'm cold
i'm so cold
i'm cold {in}
i'm [really|very|a bit|getting|quite] cold {inq}
i'm freezing
i'm freezing {in}
i feel cold {inq}
we're freezing {inq}
we are cold {inq}
it's cold {inq}
it's [so|too|really|very|pretty|quite|a bit|a little] cold {inq}
it's freezing {inq}
it's freezing cold {inq}
it's chilly {inq}
it's [a bit|too|rather|kind of] chilly {inq}
it feels cold {inq}
it's not warm enough {inq}
it isn't warm enough {inq}
it's getting cold {inq}
the {room} is [too|so|really] cold
the {room} is cold
the {room} is freezing
the {room} feels chilly
the {room} is not warm enough
the kids are cold {inq}
the baby is cold {inq}
my feet are cold
my hands are freezing
brr it's cold {inq}
too cold {inq}
way too cold {inq}
why is it so cold {inq}
why is the {room} so cold
""",
)

COOLER = family(
    "cooler",
    "action=decrease device=thermostat",
    devices="thermostat:8 heater:2",
    table="""
turn down {t}
turn {t} down
turn {t} down [{abit}]
turn {t} down by {ddeg}
turn {t} down {ddeg}
turn down {t} by {ddeg}
turn down {t} {ddeg}
decrease {t}
decrease {t} by {ddeg}
decrease the temperature {in}
decrease the temperature by {ddeg}
decrease the temperature by {ddeg} {in}
decrease the {room} temperature by {ddeg}
lower {t}
lower {t} by {ddeg}
lower the temperature {in}
lower the temperature [{abit}]
lower the temperature by {ddeg}
lower the temperature by {ddeg} {in}
lower the {room} temperature [{abit}]
reduce {t} by {ddeg}
reduce the temperature {in}
reduce the temperature by {ddeg} {in}
drop {t} by {ddeg}
drop the temperature by {ddeg}
drop the temperature {in} [{abit}]
bring {t} down by {ddeg}
bring the temperature down [{abit}] {in}
take {t} down {ddeg}
step {t} down by {ddeg}
turn the temperature down {in}
turn the temperature down by {ddeg}
turn down the temperature {in}
turn down the temperature by {ddeg} {in}
put {t} down by {ddeg}
{t} down
{t} down [{abit}]
{t} down {ddeg}
{t} down by {ddeg}
{t} {ddeg} lower
{t} {ddeg} cooler
{ddeg} cooler {in}
{ddeg} less {in}
temperature down {in}
temperature down {ddeg}
make it cooler
make it cooler {in}
make it colder {in}
make it [{abit}] cooler {in}
make it {ddeg} cooler {in}
make it {ddeg} colder
make the {room} cooler
make the {room} [{abit}] colder
make the {room} {ddeg} cooler
cool down the {room}
cool the {room} down [{abit}]
cool it down {inq}
cool the {room}
cooler {in}
[{abit}] cooler please
i'd like it cooler {in}
i'd like it [{abit}] colder {in}
i want it cooler {in}
i want the {room} cooler
i'd like {t} [{abit}] lower
let's make it cooler {in}
let's cool down the {room}
could it be [{abit}] cooler {in}
can we have it colder {in}
would you mind turning down {t}
would you mind making it cooler {in}
would you mind making the {room} [{abit}] cooler
less heat {in}
give me less heat {in}
we need less heat {in}
i'm hot
i'm so hot
i'm too hot {inq}
i'm [really|very|a bit|getting|quite] hot {inq}
i'm sweating
i'm sweating {in}
i'm boiling {inq}
i'm melting {inq}
i'm roasting {in}
we're sweating {inq}
we are too hot {inq}
it's hot {inq}
it's [so|too|really|very|pretty|quite|a bit|a little] hot {inq}
it's [too|so|a bit|rather] warm {inq}
it's boiling {inq}
it's boiling hot {inq}
it's roasting {inq}
it feels hot {inq}
it feels too warm {inq}
it's not cool enough {inq}
it's getting hot {inq}
it's like an oven {inq}
it's like a sauna {inq}
the {room} is [too|so|really] hot
the {room} is hot
the {room} is too warm
the {room} feels like a sauna
the {room} is not cool enough
the kids are too hot {inq}
the baby is hot {inq}
too hot {inq}
too warm {inq}
way too hot {inq}
why is it so hot {inq}
why is the {room} so hot
""",
)

CLIMATE_MODE = family(
    "climate_mode",
    "action=set",
    devices="thermostat:4 air_conditioner:5",
    share=1.2,
    table="""
set {t} to {cmode}
set {t} to {cmode} mode
set {t} in {cmode} mode
set {t} on {cmode}
set the mode of {t} to {cmode}
put {t} in {cmode} mode
put {t} into {cmode} mode
put {t} on {cmode}
put {t} to {cmode}
switch {t} to {cmode}
switch {t} to {cmode} mode
switch {t} over to {cmode}
turn {t} to {cmode}
turn {t} to {cmode} mode
turn on {cmode} mode on {t}
turn {t} on in {cmode} mode
turn on {t} in {cmode} mode
change {t} to {cmode}
change {t} to {cmode} mode
change the mode of {t} to {cmode}
{t} to {cmode}
{t} to {cmode} mode
{t} in {cmode} mode
{t} on {cmode}
{t} {cmode} mode
{cmode} mode on {t}
{cmode} mode for {t}
{cmode} mode {in} -> device=thermostat
i want {t} in {cmode} mode
i'd like {t} on {cmode}
i'd like {t} in {cmode} mode
let's have {t} in {cmode} mode
can i have {t} on {cmode}
would you mind setting {t} to {cmode}
would you mind switching {t} to {cmode} mode
use {cmode} mode on {t}
run {t} in {cmode} mode
run {t} on {cmode}
make {t} go to {cmode} mode
activate {cmode} mode on {t}
enable {cmode} mode on {t}
""",
)

FAN_MODE = family(
    "fan_mode",
    "action=set",
    devices=BLOWING,
    table="""
set {t} to {fmode}
set {t} on {fmode}
set {t} to {fmode} speed
set the speed of {t} to {fmode}
set {t} speed to {fmode}
put {t} on {fmode}
put {t} to {fmode}
put {t} on {fmode} speed
switch {t} to {fmode}
turn {t} to {fmode}
turn {t} on {fmode}
turn on {t} on {fmode}
turn {t} on at {fmode} speed
change {t} to {fmode}
change the speed of {t} to {fmode}
{t} on {fmode}
{t} to {fmode}
{t} {fmode}
{t} at {fmode} speed
{t} on {fmode} speed
{fmode} speed on {t}
{fmode} on {t}
i want {t} on {fmode}
i'd like {t} on {fmode}
i'd like {t} at {fmode} speed
can i have {t} on {fmode}
would you mind putting {t} on {fmode}
run {t} on {fmode}
run {t} at {fmode} speed
let {t} run on {fmode}
keep {t} on {fmode}
make {t} run at {fmode} speed
""",
)

FAN_SPEED = family(
    "fan_speed",
    "action=set",
    devices="fan:6 air_purifier:1 humidifier:2 dehumidifier:1.5",
    table="""
set {t} to {pct}
set {t} at {pct}
put {t} on {pct}
put {t} at {pct}
turn {t} to {pct}
turn {t} up to {pct}
turn {t} down to {pct}
bring {t} to {pct}
adjust {t} to {pct}
change {t} to {pct}
run {t} at {pct}
{t} to {pct}
{t} at {pct}
{t} {npct}
turn on {t} at {npct}
switch {t} on at {npct}
i want {t} at {pct}
i'd like {t} at {pct}
can i have {t} at {pct}
would you mind setting {t} to {pct}
keep {t} at {pct}
{npct} on {t}
set the speed of {t} to {pct}
set {t} speed to {pct}
{t} at full speed -> value=100 unit=%
{t} at full power -> value=100 unit=%
run {t} at full speed -> value=100 unit=%
{t} at half speed -> value=50 unit=%
run {t} at half speed -> value=50 unit=%
set {t} to half speed -> value=50 unit=%
""",
)

FAN_UP = family(
    "fan_up",
    "action=increase",
    devices="fan:6 air_purifier:1 humidifier:2 dehumidifier:1 air_conditioner:2",
    table="""
turn up {t}
turn {t} up
turn {t} up [{abit}]
turn {t} up by {dpct}
increase {t}
increase {t} by {dpct}
increase the speed of {t}
increase the speed of {t} by {dpct}
raise {t} by {dpct}
speed up {t}
speed {t} up [{abit}]
make {t} faster
make {t} go faster
make {t} [{abit}] stronger
make {t} blow harder
boost {t}
crank up {t}
crank {t} up
{t} up
{t} faster
{t} up by {dpct}
i'd like {t} [{abit}] stronger
i want {t} faster
would you mind turning up {t}
{t} {is} too slow
{t} {is} too weak
""",
)

FAN_DOWN = family(
    "fan_down",
    "action=decrease",
    devices="fan:6 air_purifier:1 humidifier:2 dehumidifier:1 air_conditioner:2",
    table="""
turn down {t}
turn {t} down
turn {t} down [{abit}]
turn {t} down by {dpct}
decrease {t}
decrease {t} by {dpct}
decrease the speed of {t}
decrease the speed of {t} by {dpct}
lower {t} by {dpct}
reduce {t} [{abit}]
reduce the speed of {t}
slow down {t}
slow {t} down [{abit}]
make {t} slower
make {t} go slower
make {t} [{abit}] weaker
{t} down
{t} slower
{t} down by {dpct}
i'd like {t} [{abit}] slower
i want {t} slower
would you mind turning down {t}
{t} {is} too strong
{t} {is} too fast
{t} {is} blowing too hard
""",
)

FAMILIES = (TEMPERATURE, WARMER, COOLER, CLIMATE_MODE, FAN_MODE, FAN_SPEED, FAN_UP, FAN_DOWN)
