"""On and off, for whatever has a switch."""

from .family import family

SWITCHED = (
    "light:14 lamp:6 night_light:2 christmas_lights:2 fan:5 heater:4 air_conditioner:4 thermostat:1.5 "
    "tv:5 speaker:3 projector:2 humidifier:2 "
    "dehumidifier:2 air_purifier:2 plug:3 camera:2 sprinkler:2 coffee_maker:2 kettle:1.5 oven:2 "
    "microwave:1 toaster:1.5 hood:2 dishwasher:1 "
    "washing_machine:1 dryer:1 vacuum:1 water_heater:2 router:2 fireplace:2 electric_blanket:2 computer:2 "
    "all:1.5"
)

ON = family(
    "turn_on",
    "action=turn_on",
    devices=SWITCHED,
    share=1.5,
    table="""
turn on {t}
turn {t} on
switch on {t}
switch {t} on
put on {t}
put {t} on
power on {t}
power {t} on
power up {t}
power {t} up
activate {t}
enable {t}
fire up {t}
flip on {t}
flip {t} on
get {t} on
make {t} go on
make sure {t} {is} on
make sure that {t} {is} switched on
make sure {t} {is} turned on
see that {t} {is} on
{t} on
{t} on
{t} on now
{t} to on
{t} should be on
{t} needs to be on
{t} turned on
i want {t} on
i want {t} turned on
i'd like {t} on
i would like {t} on
i'd like to have {t} on
i would like to turn on {t}
i need {t} on
i need {t} switched on
i need to turn on {t}
i want to switch on {t}
let's have {t} on
let's turn on {t}
let's get {t} on
let me have {t} on
can i have {t} on
can i get {t} on
could i have {t} on
could we have {t} on
may i have {t} switched on
can we get {t} turned on
would you mind turning on {t}
would you mind turning {t} on
would you mind switching {t} on
do you mind switching on {t}
do you mind turning {t} on
how about turning on {t}
how about switching {t} on
how about some {d}
what about turning {t} on
i'd appreciate it if you turned on {t}
i'd appreciate {t} on
it would be great if you turned {t} on
it would be nice to have {t} on
it'd be good to have {t} on
would be nice to have {t} on
mind turning on {t}
mind switching {t} on
someone turn on {t}
somebody switch {t} on
set {t} to on
set {t} on
bring {t} on
turn on the {d} {in}
turn the {d} on {in}
switch on the {d} {in}
switch the {d} {in} on
put the {d} on {in}
power on the {d} {in}
{in} turn on the {d}
{in} switch the {d} on
{in}, {d} on
{in} i want the {d} on
{d} on {in}
the {d} on {in}
the {d} {in} should be on
i want the {d} on {in}
i'd like the {d} on {in}
get the {d} on {in}
have {t} turned on
have {t} on
keep {t} on
leave {t} on
why {isnt} {t} on
{t} {is} still off, turn {it} on
{t} {is} off, switch {it} on
can {t} be turned on
could {t} be switched on
i forgot to turn on {t}
i forgot to switch {t} on
you can turn on {t} now
you can switch {t} on
it's time to turn on {t}
time to switch on {t}
let there be light {in} -> device=light
let there be light -> device=light
lights on {in} -> device=light
give me some light {in} -> device=light
i need light {in} -> device=light
i need some light {in} -> device=light
i could use some light {in} -> device=light
light up the {room} -> device=light
illuminate the {room} -> device=light
make some light {in} -> device=light
hit the lights {in} -> device=light
lights please {in} -> device=light
""",
)

OFF = family(
    "turn_off",
    "action=turn_off",
    devices=SWITCHED,
    share=1.5,
    table="""
turn off {t}
turn {t} off
switch off {t}
switch {t} off
put off {t}
put {t} off
power off {t}
power {t} off
power down {t}
power {t} down
deactivate {t}
disable {t}
kill {t}
cut {t}
cut the power to {t}
kill the power to {t}
shut off {t}
shut {t} off
shut down {t}
shut {t} down
flip off {t}
flip {t} off
get {t} off
take {t} off
make {t} go off
make sure {t} {is} off
make sure that {t} {is} switched off
make sure {t} {is} turned off
see that {t} {is} off
{t} off
{t} off
{t} off now
{t} to off
{t} should be off
{t} can be off
{t} can go off
{t} needs to be off
{t} turned off
i want {t} off
i want {t} turned off
i'd like {t} off
i would like {t} off
i'd like to have {t} off
i would like to turn off {t}
i need {t} off
i need {t} switched off
i need to turn off {t}
i want to switch off {t}
let's have {t} off
let's turn off {t}
let's get {t} off
can i have {t} off
can i get {t} off
could i have {t} off
could we have {t} off
may i have {t} switched off
can we get {t} turned off
would you mind turning off {t}
would you mind turning {t} off
would you mind switching {t} off
do you mind switching off {t}
do you mind shutting {t} off
how about turning off {t}
how about switching {t} off
what about turning {t} off
i'd appreciate it if you turned off {t}
it would be great if you turned {t} off
it would be nice to have {t} off
it'd be good to have {t} off
mind turning off {t}
mind shutting off {t}
someone turn off {t}
somebody switch {t} off
set {t} to off
set {t} off
turn off the {d} {in}
turn the {d} off {in}
switch off the {d} {in}
switch the {d} {in} off
shut off the {d} {in}
kill the {d} {in}
power off the {d} {in}
cut the {d} {in}
{in} turn off the {d}
{in} switch the {d} off
{in}, {d} off
{in} i want the {d} off
{d} off {in}
the {d} off {in}
the {d} {in} should be off
i want the {d} off {in}
i'd like the {d} off {in}
have {t} turned off
have {t} off
keep {t} off
leave {t} off
i don't need {t} anymore
i don't need {t} any more
we don't need {t} anymore
no one needs {t} right now
nobody is using {t}, turn {it} off
i'm done with {t}
we're done with {t}
we are finished with {t}
that's enough of {t}
get rid of {t}
why {is} {t} still on
{t} {is} still on, turn {it} off
{t} {is} on, switch {it} off
can {t} be turned off
could {t} be switched off
i forgot to turn off {t}
i forgot to switch {t} off
i left {t} on, turn {it} off
i left {t} on
someone left {t} on
you can turn off {t} now
you can switch {t} off
it's time to turn off {t}
time to switch off {t}
stop using {t}
lights off {in} -> device=light
lights out {in} -> device=light
lights out -> device=light
make it dark {in} -> device=light
no more light {in} -> device=light
darken the {room} -> device=light
""",
)

EXCEPT_ON = family(
    "turn_on_except",
    "action=turn_on room=all",
    devices="light:8 lamp:2 fan:1 heater:1 plug:1",
    share=0.7,
    table="""
turn on all the {ds} {but} the {x}
turn all {ds} on {but} the {x}
switch on every {d} {but} the one in the {x}
switch on all {ds} {but} {x}
all {ds} on {but} the {x}
turn on the {ds} everywhere {but} in the {x}
every {d} on {but} the one in the {x}
put all the {ds} on {but} in the {x}
i want all the {ds} on {but} the {x}
power on all of the {ds} {but} the {x}
""",
)

EXCEPT_OFF = family(
    "turn_off_except",
    "action=turn_off room=all",
    devices="light:8 lamp:2 fan:1 heater:1 plug:1",
    table="""
turn off all the {ds} {but} the {x}
turn all {ds} off {but} the {x}
switch off every {d} {but} the one in the {x}
switch off all {ds} {but} {x}
all {ds} off {but} the {x}
turn off the {ds} everywhere {but} in the {x}
every {d} off {but} the one in the {x}
kill all the {ds} {but} in the {x}
i want all the {ds} off {but} the {x}
shut off all of the {ds} {but} the {x}
leave the {x} {d} on but turn all the other {ds} off
turn off all {ds} but keep the {x} one on
turn off all the {ds}, just not the one in the {x}
""",
)

WATER = family(
    "water",
    "action=turn_on device=sprinkler",
    share=0.8,
    table="""
water the {green}
water the plants {inout}
water the lawn
water the grass
water the flowers
water the plants
give the {green} some water
give the plants {inout} some water
give the lawn some water
give the lawn a drink
the {green} needs water
the lawn needs watering
the grass needs water
the plants {inout} need water
the plants are thirsty
irrigate the {green}
irrigate the lawn
start watering the {green}
start watering the lawn
begin watering the {green}
start watering
sprinkle the {green}
sprinkle the lawn
i want the {green} watered
i'd like the lawn watered
would you mind watering the {green}
would you mind watering the lawn
get the lawn watered
let's water the {green}
time to water the {green}
""",
)

UNWATER = family(
    "unwater",
    "action=turn_off device=sprinkler",
    share=0.7,
    table="""
stop watering the {green}
stop watering the lawn
stop watering
stop watering the plants
the {green} has enough water
the lawn has had enough water
that's enough water for the {green}
no more water for the lawn
quit watering the {green}
quit watering the grass
end the watering
""",
)

FAMILIES = (ON, OFF, EXCEPT_ON, EXCEPT_OFF, WATER, UNWATER)
