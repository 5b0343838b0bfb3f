"""What the house is asked: the state of a device, or a reading."""

from .family import family

LIT = (
    "light:8 lamp:3 night_light:1 fan:3 heater:3 air_conditioner:2 tv:3 speaker:1 projector:1 "
    "humidifier:1 dehumidifier:1 air_purifier:1 plug:1 camera:1 "
)
ASKED = (
    LIT + "sprinkler:1 coffee_maker:1 kettle:1 oven:3 hood:1 water_heater:1 router:1 fireplace:1 electric_blanket:1 "
    "computer:1 thermostat:1"
)
MOVED = "blinds:4 curtains:3 shutters:2 shades:2 window:4 skylight:1 awning:1 garage_door:4 gate:2"
RUNNING = "dishwasher:4 washing_machine:5 dryer:4 vacuum:3 oven:1 coffee_maker:1 kettle:1 microwave:0.5"

ON_OFF = family(
    "is_on",
    "action=get",
    devices=ASKED,
    when=False,
    room=0.6,
    table="""
{is} {t} on
{is} {t} on
{is} {t} off
{is} {t} on or off
{is} {t} still on
{is} {t} still off
{is} {t} switched on
{is} {t} turned on
{is} {t} turned off
{is} {t} running
{is} {t} on right now
{isnt} {t} on
{isnt} {t} off already
{is} the {d} {in} on
{is} the {d} on {in}
{is} the {d} off {in}
did i leave {t} on
did i turn off {t}
did i turn {t} off
did i switch off {t}
did i forget to turn off {t}
did we leave {t} on
did someone leave {t} on
did anyone turn off {t}
have i turned off {t}
have i left {t} on
has {t} been turned off
has {t} been left on
check {t}
check if {t} {is} on
check if {t} {is} off
check whether {t} {is} on
check whether {t} {is} still on
check the status of {t}
check on {t}
tell me if {t} {is} on
tell me if {t} {is} off
tell me whether {t} {is} on
tell me the status of {t}
tell me the state of {t}
let me know if {t} {is} on
let me know whether {t} {is} on
what's the status of {t}
what is the status of {t}
what's the state of {t}
what is the state of {t}
what {is} {t} doing
what's up with {t}
how {is} {t} doing
do you know if {t} {is} on
can you tell me if {t} {is} on
can you check if {t} {is} off
could you check whether {t} {is} on
can you see if {t} {is} on
i want to know if {t} {is} on
i'd like to know if {t} {is} on
i need to know whether {t} {is} on
i wonder if {t} {is} on
i wonder if i left {t} on
i think i left {t} on, did i
i'm not sure if {t} {is} off
{t} status
{t} on or off
status of {t}
would you mind checking if {t} {is} on
would you mind checking {t}
any idea if {t} {is} on
see if {t} {is} on
get the status of {t}
give me the status of {t}
report the status of {t}
find out if {t} {is} on
am i right that {t} {is} on
""",
)

OPEN_CLOSED = family(
    "is_open",
    "action=get",
    devices=MOVED,
    when=False,
    room=0.6,
    table="""
{is} {t} open
{is} {t} open
{is} {t} closed
{is} {t} shut
{is} {t} open or closed
{is} {t} still open
{is} {t} still closed
{isnt} {t} closed
{is} {t} closed yet
{is} the {d} {in} open
{is} the {d} open {in}
did i leave {t} open
did i close {t}
did i shut {t}
did i forget to close {t}
did we close {t}
did we leave {t} open
did someone open {t}
did anyone close {t}
have i closed {t}
have i left {t} open
has {t} been closed
has {t} been left open
check if {t} {is} open
check if {t} {is} closed
check whether {t} {is} closed
check whether {t} {is} shut
check that {t} {is} closed
check the position of {t}
check {t} for me
tell me if {t} {is} open
tell me if {t} {is} closed
tell me whether {t} {is} open
let me know if {t} {is} open
let me know if {t} {is} closed
what's the position of {t}
what's the status of {t}
what is the state of {t}
how far {is} {t} open
how far open {is} {t}
do you know if {t} {is} closed
can you tell me if {t} {is} open
can you check if {t} {is} closed
could you check if {t} {is} open
can you see if {t} {is} open
i want to know if {t} {is} closed
i'd like to know if {t} {is} open
i need to know if {t} {is} closed
i wonder if {t} {is} open
i wonder if i closed {t}
i'm not sure if i closed {t}
{t} open or closed
{t} status
would you mind checking if {t} {is} closed
any idea if {t} {is} open
see if {t} {is} open
see if {t} {is} closed
find out if {t} {is} open
get the status of {t}
""",
)

DONE = family(
    "is_done",
    "action=get",
    devices=RUNNING,
    when=False,
    room=0.1,
    whole=0,
    table="""
is {t} done
is {t} done
is {t} done yet
is {t} finished
is {t} finished yet
is {t} ready
is {t} ready yet
is {t} still running
is {t} running
is {t} still going
is {t} on
has {t} finished
has {t} finished yet
has {t} stopped
has {t} started
did {t} finish
did {t} stop
did {t} start
when will {t} be done
when will {t} finish
when will {t} be ready
when is {t} done
when does {t} finish
how long until {t} is done
how long until {t} finishes
how long does {t} still need
how much longer will {t} take
how much longer for {t}
how much time is left on {t}
how much time does {t} have left
how long will {t} take
how long is left on {t}
how far along is {t}
check on {t}
check if {t} is done
check if {t} has finished
check whether {t} is finished
tell me if {t} is done
tell me when {t} will be done
tell me how long {t} still needs
let me know if {t} is done
what's the status of {t}
what is the status of {t}
what's {t} doing
what's going on with {t}
can you check if {t} is done
can you tell me if {t} has finished
could you check whether {t} is done
do you know if {t} is done
i want to know if {t} is done
i'd like to know if {t} is finished
i wonder if {t} is done
{t} status
{t} done yet
time left on {t}
time remaining on {t}
would you mind checking on {t}
would you mind checking if {t} is done
is the laundry done -> device=washing_machine
is the laundry finished -> device=washing_machine
is the washing done -> device=washing_machine
how long until the laundry is done -> device=washing_machine
when will the laundry be done -> device=washing_machine
are the dishes done -> device=dishwasher
are the dishes clean yet -> device=dishwasher
when will the dishes be done -> device=dishwasher
is the coffee ready -> device=coffee_maker
is my coffee ready -> device=coffee_maker
is the coffee done -> device=coffee_maker
is there coffee ready -> device=coffee_maker
where is the vacuum -> device=vacuum
where is the robot -> device=vacuum
where's the vacuum -> device=vacuum
what's the vacuum doing -> device=vacuum
is the vacuum docked -> device=vacuum
is the robot still cleaning -> device=vacuum
is the vacuum charging -> device=vacuum
""",
)

LOCKED = family(
    "is_locked",
    "action=get device=lock",
    when=False,
    share=1.2,
    table="""
is {door} locked
is {door} locked
is {door} unlocked
is {door} still locked
is {door} still unlocked
is {door} locked or unlocked
is {door} locked right now
is {door} secure
isn't {door} locked
is the lock on {door} closed
is the lock on {door} engaged
is the {locked} locked
did i lock {door}
did i forget to lock {door}
did i leave {door} unlocked
did we lock {door}
did someone unlock {door}
did anyone lock {door}
did you lock {door}
have i locked {door}
have we locked {door}
has {door} been locked
has anyone unlocked {door}
check {door}
check if {door} is locked
check if {door} is unlocked
check whether {door} is locked
check that {door} is locked
check the lock on {door}
tell me if {door} is locked
tell me whether {door} is locked
tell me the status of the lock on {door}
let me know if {door} is locked
let me know if {door} is unlocked
what is the status of the lock on {door}
what's the state of the lock on {door}
do you know if {door} is locked
can you tell me if {door} is locked
can you check if {door} is locked
could you check if {door} is locked
can you see whether {door} is locked
i want to know if {door} is locked
i'd like to know if {door} is locked
i need to know if {door} is locked
i wonder if i locked {door}
i wonder if {door} is locked
i'm not sure if i locked {door}
i can't remember if i locked {door}
{door} locked or not
would you mind checking if {door} is locked
any idea if {door} is locked
see if {door} is locked
find out if {door} is locked
are the doors locked
are all the doors locked -> room=all
are all doors locked -> room=all
is every door locked -> room=all
did i lock all the doors -> room=all
check if all the doors are locked -> room=all
are any doors unlocked -> room=all
""",
)

ALARM_STATE = family(
    "alarm_state",
    "action=get device=alarm_system",
    when=False,
    share=0.8,
    table="""
is {as} armed
is {as} on
is {as} off
is {as} set
is {as} active
is {as} disarmed
is {as} still armed
is the house armed
did i arm {as}
did i set {as}
did i forget to arm {as}
did we arm {as}
have i armed {as}
has {as} been armed
check {as}
check if {as} is armed
check whether {as} is on
check the status of {as}
tell me if {as} is armed
let me know if {as} is on
what's the status of {as}
what is the state of {as}
what mode is {as} in
can you tell me if {as} is armed
could you check if {as} is on
do you know if {as} is armed
i want to know if {as} is armed
i'd like to know if {as} is on
i wonder if i armed {as}
{as} status
would you mind checking if {as} is armed
""",
)

CLOCK_STATE = family(
    "clock_state",
    "action=get",
    when=False,
    share=1.0,
    table="""
how long is left on the timer -> device=timer
how long is left on my timer -> device=timer
how long is left on the {tname} timer -> device=timer
how much time is left on the timer -> device=timer
how much time is left on the {tname} timer -> device=timer
how much time is left -> device=timer
how much longer on the timer -> device=timer
how many minutes are left on the timer -> device=timer
how long does the timer have left -> device=timer
time left on the timer -> device=timer
time remaining on the {tname} timer -> device=timer
what's left on the timer -> device=timer
what's the time left on the timer -> device=timer
when does the timer end -> device=timer
when will the timer go off -> device=timer
when is the {tname} timer done -> device=timer
is the timer still running -> device=timer
is the timer done -> device=timer
is the {tname} timer still going -> device=timer
check the timer -> device=timer
check the {tname} timer -> device=timer
tell me how long is left on the timer -> device=timer
tell me the time left on the {tname} timer -> device=timer
timer status -> device=timer
what timers are running -> device=timer
what timers do i have -> device=timer
are there any timers -> device=timer
is there a timer running -> device=timer
do i have a timer running -> device=timer
show me my timers -> device=timer
what time is my alarm -> device=alarm
what time is my alarm set for -> device=alarm
what time is the alarm -> device=alarm
when is my alarm -> device=alarm
when is my alarm set for -> device=alarm
when is my next alarm -> device=alarm
when will my alarm go off -> device=alarm
when does my alarm ring -> device=alarm
is my alarm set -> device=alarm
is my alarm on -> device=alarm
is there an alarm set -> device=alarm
do i have an alarm set -> device=alarm
do i have an alarm set {for_day} -> device=alarm
do i have any alarms -> device=alarm
did i set an alarm -> device=alarm
did i set an alarm {for_day} -> device=alarm
check my alarm -> device=alarm
check if my alarm is set -> device=alarm
what alarms do i have -> device=alarm
tell me when my alarm is -> device=alarm
which alarms are set -> device=alarm
what reminders do i have -> device=reminder
what are my reminders -> device=reminder
what are my reminders {for_day} -> device=reminder
do i have any reminders -> device=reminder
do i have any reminders {for_day} -> device=reminder
read my reminders -> device=reminder
read me my reminders -> device=reminder
tell me my reminders -> device=reminder
list my reminders -> device=reminder
check my reminders -> device=reminder
are there any reminders {for_day} -> device=reminder
did anyone ring the doorbell -> device=doorbell
did someone ring the doorbell -> device=doorbell
did the doorbell ring -> device=doorbell
has anyone rung the doorbell -> device=doorbell
what's the thermostat set to -> device=thermostat
what is the thermostat set to -> device=thermostat
what is the thermostat set to {in} -> device=thermostat
what's the {room} thermostat set to -> device=thermostat
what's the heating set to -> device=thermostat
what is the heating set to {in} -> device=thermostat
what's playing -> device=speaker
what's playing {in} -> device=speaker
what is playing right now -> device=speaker
what song is this -> device=speaker
what song is playing -> device=speaker
what's this song -> device=speaker
which song is playing {in} -> device=speaker
what's this track called -> device=speaker
who sings this -> device=speaker
what's on tv -> device=tv
""",
)

READING = family(
    "reading",
    "action=get",
    when=False,
    share=1.4,
    table="""
what's the {prop} {in}
what's the {prop} {in}
what is the {prop} {in}
what's the {prop} like {in}
what's the {room} {prop}
what is the {room} {prop}
what's the {prop} in here
what's the {prop}
what is the {prop} right now
what's the current {prop} {in}
what is the current {prop}
what's the current {room} {prop}
how's the {prop} {in}
how is the {prop} {in}
how is the {prop}
how high is the {prop} {in}
how high is the {prop}
how's the {room} {prop}
tell me the {prop}
tell me the {prop} {in}
tell me the current {prop} {in}
tell me the {room} {prop}
tell me about the {prop} {in}
tell me what the {prop} is {in}
let me know the {prop} {in}
let me know what the {prop} is {in}
give me the {prop} {in}
give me the {room} {prop}
give me the current {prop}
get the {prop} {in}
get me the {prop} {in}
get the {room} {prop}
read the {prop} {in}
read me the {prop} {in}
read out the {room} {prop}
check the {prop}
check the {prop} {in}
check the {room} {prop}
show the {prop} {in}
show me the {prop} {in}
show me the {room} {prop}
measure the {prop} {in}
report the {prop} {in}
find out the {prop} {in}
{prop} {in}
{prop} {in} please
{room} {prop}
{room} {prop} please
current {prop} {in}
current {room} {prop}
i want to know the {prop} {in}
i want to know the {room} {prop}
i'd like to know the {prop} {in}
i'd like to know the current {prop}
i need to know the {prop} {in}
i need the {prop} {in}
i wonder what the {prop} is {in}
do you know the {prop} {in}
can you tell me the {prop} {in}
can you check the {prop} {in}
could you tell me the {room} {prop}
could you read the {prop} {in}
would you mind checking the {prop} {in}
would you mind telling me the {prop} {in}
{in} what's the {prop}
is the {prop} okay {in}
is the {prop} too high {in}
is the {prop} high {in}
how warm is it {in} -> property=temperature
how warm is the {room} -> property=temperature
how hot is it {in} -> property=temperature
how hot is the {room} -> property=temperature
how cold is it {in} -> property=temperature
how cold is the {room} -> property=temperature
how warm is it in here -> property=temperature
how many degrees is it {in} -> property=temperature
how many degrees are there {in} -> property=temperature
what temperature is it {in} -> property=temperature
what temperature is the {room} -> property=temperature
is it warm {in} -> property=temperature
is it cold {in} -> property=temperature
is it hot {in} -> property=temperature
is the {room} warm enough -> property=temperature
how humid is it {in} -> property=humidity
how humid is the {room} -> property=humidity
how damp is it {in} -> property=humidity
how moist is the air {in} -> property=humidity
is it humid {in} -> property=humidity
is it damp {in} -> property=humidity
how dry is the air {in} -> property=humidity
how good is the air {in} -> property=air_quality
how clean is the air {in} -> property=air_quality
how's the air {in} -> property=air_quality
is the air clean {in} -> property=air_quality
is the air okay {in} -> property=air_quality
is the air good {in} -> property=air_quality
how bad is the air {in} -> property=air_quality
how much co2 is there {in} -> property=co2
how much co2 is in the {room} -> property=co2
how much carbon dioxide is there {in} -> property=co2
is there too much co2 {in} -> property=co2
how loud is it {in} -> property=noise
how loud is the {room} -> property=noise
how noisy is it {in} -> property=noise
is it noisy {in} -> property=noise
is it loud {in} -> property=noise
how bright is it {in} -> property=brightness
how bright is the {room} -> property=brightness
how dark is it {in} -> property=brightness
is it dark {in} -> property=brightness
is it bright {in} -> property=brightness
how much power are we using -> property=power
how much power is the house using -> property=power
how much power is the {room} using -> property=power
how much electricity are we using -> property=power
how much electricity is used {in} -> property=power
how much energy are we using right now -> property=power
what's our power usage -> property=power
""",
)

DEVICE_READING = family(
    "device_reading",
    "action=get",
    devices="vacuum:4 doorbell:3 camera:3 lock:1",
    when=False,
    room=0.5,
    whole=0,
    share=0.8,
    table="""
what's the battery of {t} -> property=battery
what's the battery level of {t} -> property=battery
what is the battery level of {t} -> property=battery
what's the battery on {t} -> property=battery
what's {t} battery -> property=battery
what's {t} battery level -> property=battery
how much battery does {t} have -> property=battery
how much battery does {t} have left -> property=battery
how much battery is left in {t} -> property=battery
how much charge does {t} have -> property=battery
how full is the battery of {t} -> property=battery
how charged is {t} -> property=battery
is the battery of {t} low -> property=battery
is the battery of {t} full -> property=battery
does {t} need charging -> property=battery
does {t} need a new battery -> property=battery
check the battery of {t} -> property=battery
check {t} battery -> property=battery
check the battery level of {t} -> property=battery
tell me the battery level of {t} -> property=battery
tell me how much battery {t} has -> property=battery
{t} battery -> property=battery
{t} battery level -> property=battery
battery of {t} -> property=battery
battery level of {t} -> property=battery
i want to know the battery level of {t} -> property=battery
can you check the battery of {t} -> property=battery
would you mind checking the battery of {t} -> property=battery
""",
)

DEVICE_POWER = family(
    "device_power",
    "action=get",
    devices="plug:3 dryer:1 heater:2 washing_machine:1 computer:1 oven:1 tv:1",
    when=False,
    room=0.4,
    whole=0,
    share=0.5,
    table="""
how much power does {t} use -> property=power
how much power {is} {t} using -> property=power
how much electricity {is} {t} using -> property=power
how much energy does {t} use -> property=power
what's the power usage of {t} -> property=power
what's the power consumption of {t} -> property=power
what is the consumption of {t} -> property=power
check the power usage of {t} -> property=power
tell me the power consumption of {t} -> property=power
power usage of {t} -> property=power
""",
)

FAMILIES = (ON_OFF, OPEN_CLOSED, DONE, LOCKED, ALARM_STATE, CLOCK_STATE, READING, DEVICE_READING, DEVICE_POWER)
