"""Machines that run a program: kitchen, laundry, vacuum, water heater."""

from .family import family

MACHINES = (
    "coffee_maker:3 kettle:2 oven:1.5 microwave:1.5 toaster:1 dishwasher:4 washing_machine:4 dryer:3 "
    "vacuum:4 water_heater:0.7 fireplace:0.7"
)
PAUSABLE = "washing_machine:3 dryer:2 dishwasher:3 vacuum:4 oven:1 microwave:1 sprinkler:1 coffee_maker:1"
HALTING = PAUSABLE + " blinds:1.5 curtains:1 shutters:1 awning:1 garage_door:2 gate:1 fan:1 kettle:1"

START = family(
    "start",
    "action=start",
    devices=MACHINES,
    share=1.3,
    room=0.2,
    whole=0,
    table="""
start {t}
start {t}
start up {t}
start {t} up
start running {t}
start using {t}
run {t}
run {t}
run {t} now
begin {t}
begin the cycle of {t}
launch {t}
get {t} started
get {t} to start
kick off {t}
have {t} run
have {t} started
let {t} run
make {t} start
set {t} going
set {t} running
{t} start
start the program of {t}
start a cycle on {t}
run a cycle on {t}
i want {t} started
i want {t} to start
i'd like {t} to run
i'd like {t} started
i'd like to start {t}
i want to run {t}
i need {t} to start
i need to start {t}
let's start {t}
let's run {t}
can i have {t} started
can we start {t}
would you mind starting {t}
would you mind running {t}
do you mind starting {t}
how about starting {t}
mind starting {t}
time to start {t}
it's time to run {t}
i forgot to start {t}
{t} can start
{t} should start
""",
)

COFFEE = family(
    "coffee",
    "action=start device=coffee_maker",
    share=1.2,
    table="""
make coffee
make some coffee
make me [some|a|a cup of] coffee
make a coffee
make a [fresh|nice|hot|strong] coffee
make a cup of coffee
make a pot of coffee
make me an espresso
make an espresso
make a cappuccino
brew coffee
brew some coffee
brew me a coffee
brew a cup of coffee
brew a pot of coffee
brew a fresh coffee
start brewing
start brewing coffee
start the coffee
start making coffee
begin brewing the coffee
get the coffee going
get the coffee started
get some coffee going
put the coffee on
put on some coffee
put a pot of coffee on
prepare [a|some] coffee
prepare a cup of coffee
i want coffee
i want a coffee
i'd like a coffee
i'd like some coffee
i would like a cup of coffee
i need coffee
i need a coffee
i could use a coffee
can i get a coffee
can i have a coffee
could i have some coffee
let's have a coffee
let's have some coffee
would you mind making coffee
would you mind making me a coffee
would you mind brewing some coffee
coffee please
coffee
a cup of coffee please
how about a coffee
give me a coffee
get me a coffee
time for coffee
it's coffee time
have coffee ready
""",
)

KETTLE = family(
    "kettle",
    "action=start device=kettle",
    share=1.2,
    table="""
put the kettle on
put on the kettle
put {t} on -> device=kettle
boil the kettle
boil some water
boil water
boil water for tea
boil water in the kettle
boil {t} -> device=kettle
get the kettle going
get the kettle boiling
get the kettle on
start boiling water
start boiling the kettle
bring the kettle to a boil
bring some water to the boil
heat some water for tea
heat up water for tea
heat up the kettle
make some tea
make tea
make me a tea
make me a cup of tea
make a cup of tea
make a pot of tea
brew some tea
brew a cup of tea
i want tea
i'd like a tea
i'd like a cup of tea
i'd like some tea
i need a cup of tea
i could use a tea
can i have a tea
can i get a cup of tea
let's have tea
let's have some tea
would you mind putting the kettle on
would you mind boiling the kettle
would you mind boiling some water
i need boiling water
i need hot water for tea
tea please
time for tea
how about some tea
""",
    devices="kettle",
    room=0.2,
    whole=0,
)

LAUNDRY = family(
    "laundry",
    "action=start",
    share=1.2,
    table="""
do the laundry -> device=washing_machine
do a load of laundry -> device=washing_machine
start the laundry -> device=washing_machine
start a load of laundry -> device=washing_machine
start a wash -> device=washing_machine
start washing -> device=washing_machine
start the wash -> device=washing_machine
run the laundry -> device=washing_machine
run a wash -> device=washing_machine
wash the clothes -> device=washing_machine
wash my clothes -> device=washing_machine
put a wash on -> device=washing_machine
put the washing on -> device=washing_machine
put the laundry on -> device=washing_machine
begin the laundry -> device=washing_machine
i want to do the laundry -> device=washing_machine
i'd like to run a load of laundry -> device=washing_machine
would you mind starting the laundry -> device=washing_machine
start a {lmode} wash -> device=washing_machine
start a {lmode} cycle -> device=washing_machine
run a {lmode} wash -> device=washing_machine
run a {lmode} cycle on the washing machine -> device=washing_machine
do a {lmode} wash -> device=washing_machine
wash the clothes on {lmode} -> device=washing_machine
put a {lmode} wash on -> device=washing_machine
i need a {lmode} wash -> device=washing_machine
do the dishes -> device=dishwasher
wash the dishes -> device=dishwasher
wash up the dishes -> device=dishwasher
start the dishes -> device=dishwasher
start washing the dishes -> device=dishwasher
clean the dishes -> device=dishwasher
run the dishes -> device=dishwasher
would you mind doing the dishes -> device=dishwasher
would you mind washing the dishes -> device=dishwasher
the dishes need washing -> device=dishwasher
wash the dishes on {wmode} -> device=dishwasher
run the dishes on {wmode} -> device=dishwasher
dry the clothes -> device=dryer
dry the laundry -> device=dryer
dry my clothes -> device=dryer
start drying -> device=dryer
start drying the clothes -> device=dryer
tumble dry the laundry -> device=dryer
would you mind drying the clothes -> device=dryer
the clothes need drying -> device=dryer
""",
)

START_MODE = family(
    "start_mode",
    "action=start",
    devices="washing_machine:4 dishwasher:3 dryer:2 vacuum:2 oven:1.5",
    room=0.15,
    whole=0,
    table="""
start {t} on {mode}
start {t} in {mode} mode
start {t} with {mode}
start {t} with the {mode} program
start the {mode} program on {t}
start a {mode} cycle on {t}
start {mode} mode on {t}
run {t} on {mode}
run {t} in {mode} mode
run {t} with the {mode} program
run the {mode} cycle on {t}
run a {mode} program on {t}
run {mode} on {t}
begin the {mode} cycle on {t}
launch {t} in {mode} mode
i'd like to run {t} on {mode}
would you mind running {t} on {mode}
would you mind starting {t} on {mode}
let's run {t} on {mode}
get {t} going on {mode}
""",
)

SET_MODE = family(
    "set_mode",
    "action=set",
    devices="washing_machine:3 dishwasher:3 dryer:2 vacuum:3 oven:3 water_heater:2",
    room=0.15,
    whole=0,
    table="""
set {t} to {mode}
set {t} to {mode} mode
set {t} on {mode}
set {t} to the {mode} program
set {t} to the {mode} cycle
set the mode of {t} to {mode}
put {t} on {mode}
put {t} in {mode} mode
put {t} into {mode} mode
put {t} on the {mode} program
switch {t} to {mode}
switch {t} to {mode} mode
switch {t} to the {mode} cycle
turn {t} to {mode}
turn {t} to {mode} mode
change {t} to {mode}
change {t} to {mode} mode
change the mode of {t} to {mode}
{t} to {mode}
{t} on {mode}
{t} to {mode} mode
{t} in {mode} mode
{t} {mode} mode
{mode} mode on {t}
{mode} mode for {t}
use {mode} mode on {t}
use the {mode} program on {t}
select {mode} on {t}
select the {mode} program on {t}
choose {mode} for {t}
i want {t} on {mode}
i'd like {t} on {mode}
i'd like {t} in {mode} mode
would you mind setting {t} to {mode}
would you mind putting {t} on {mode}
can i have {t} on {mode}
""",
)

OVEN = family(
    "oven",
    "action=set device=oven",
    devices="oven:5 microwave:0.2",
    room=0.1,
    whole=0,
    share=1.3,
    table="""
preheat {t} to {odeg}
preheat {t} to {odeg}
preheat {t} at {odeg}
pre-heat {t} to {odeg}
pre heat {t} to {odeg}
heat {t} to {odeg}
heat {t} up to {odeg}
heat up {t} to {odeg}
warm up {t} to {odeg}
warm {t} to {odeg}
set {t} to {odeg}
set {t} at {odeg}
set the temperature of {t} to {odeg}
set {t} temperature to {odeg}
put {t} on {odeg}
put {t} on at {odeg}
put {t} at {odeg}
turn {t} on to {odeg}
turn {t} on at {odeg}
turn on {t} to {odeg}
turn on {t} at {odeg}
turn {t} to {odeg}
turn {t} up to {odeg}
turn {t} down to {odeg}
switch {t} on at {odeg}
bring {t} to {odeg}
get {t} to {odeg}
get {t} up to {odeg}
get {t} hot to {odeg}
change {t} to {odeg}
raise {t} to {odeg}
start {t} at {odeg}
start preheating {t} to {odeg}
{t} to {odeg}
{t} at {odeg}
{t} {odeg}
i want {t} at {odeg}
i need {t} at {odeg}
i'd like {t} at {odeg}
i'd like {t} preheated to {odeg}
would you mind preheating {t} to {odeg}
would you mind setting {t} to {odeg}
let's preheat {t} to {odeg}
can i have {t} at {odeg}
set {t} to {omode} at {odeg}
set {t} to {odeg} on {omode}
put {t} on {omode} at {odeg}
preheat {t} to {odeg} on {omode}
{t} on {omode} at {odeg}
{t} {omode} {odeg}
""",
)

OVEN_ON = family(
    "preheat",
    "action=turn_on device=oven",
    devices="oven",
    room=0.1,
    whole=0,
    share=0.6,
    table="""
preheat {t}
preheat the oven
heat up {t}
start preheating {t}
would you mind preheating {t}
get {t} hot
warm up {t}
let's preheat {t}
""",
)

HOTTER = family(
    "water_up",
    "action=increase",
    devices="oven:2 water_heater:2 electric_blanket:1",
    room=0.1,
    whole=0,
    share=0.5,
    table="""
turn up {t} by {ddeg}
turn {t} up [{abit}]
increase {t} by {ddeg}
raise {t} by {ddeg}
raise the temperature of {t} by {ddeg}
make {t} hotter
make {t} [{abit}] warmer
{t} up by {ddeg}
{t} {is} not hot enough
""",
)

LESS_HOT = family(
    "water_down",
    "action=decrease",
    devices="oven:2 water_heater:2 electric_blanket:1",
    room=0.1,
    whole=0,
    share=0.5,
    table="""
turn down {t} by {ddeg}
turn {t} down [{abit}]
decrease {t} by {ddeg}
lower {t} by {ddeg}
lower the temperature of {t} by {ddeg}
make {t} cooler
make {t} [{abit}] less hot
{t} down by {ddeg}
{t} {is} too hot
""",
)

VACUUM = family(
    "vacuum",
    "action=start device=vacuum",
    share=1.3,
    table="""
vacuum
vacuum the {room}
vacuum the {room}
vacuum {in}
vacuum the floor {in}
vacuum the {room} floor
vacuum the carpet {in}
vacuum the floors
vacuum up the {room}
hoover the {room}
hoover {in}
hoover the {room} carpet
clean the {room} floor
clean the floor {in}
clean the floors
clean the {room} with the vacuum
clean the {room} with the robot
sweep the {room}
sweep the floor {in}
sweep {in}
start vacuuming
start vacuuming the {room}
start vacuuming {in}
start cleaning the {room} floor
begin vacuuming the {room}
run the vacuum {in}
run the robot {in}
run the vacuum over the {room} floor
start the vacuum {in}
start the robot {in}
start the robot vacuum {in}
send the vacuum to the {room}
send the robot to the {room}
send the robot into the {room}
send the vacuum to clean the {room}
get the robot to clean the {room}
get the vacuum to do the {room}
get the vacuum going {in}
have the robot clean the {room}
have the vacuum do the {room}
have the {room} vacuumed
let the robot clean the {room}
let the vacuum loose {in}
tell the robot to vacuum the {room}
tell the vacuum to clean the {room}
do the floors {in}
do the {room} floor with the vacuum
give the {room} a vacuum
give the {room} floor a clean
i want the {room} vacuumed
i'd like the {room} vacuumed
i'd like you to vacuum the {room}
i need the {room} vacuumed
the {room} needs vacuuming
the {room} needs a vacuum
the {room} floor is dirty
the floor is dirty {in}
the floor {in} needs cleaning
let's vacuum the {room}
would you mind vacuuming the {room}
would you mind vacuuming {in}
would you mind hoovering the {room}
can we get the {room} vacuumed
there are crumbs {in} that need vacuuming
vacuum the whole house -> room=all
vacuum everywhere -> room=all
vacuum all the rooms -> room=all
vacuum every room -> room=all
clean all the floors -> room=all
start vacuuming the whole house -> room=all
mop the {room} -> mode=mop
mop {in} -> mode=mop
mop the {room} floor -> mode=mop
mop the floor {in} -> mode=mop
mop the floors -> mode=mop
start mopping the {room} -> mode=mop
start mopping -> mode=mop
have the robot mop the {room} -> mode=mop
send the robot to mop the {room} -> mode=mop
get the {room} floor mopped -> mode=mop
would you mind mopping the {room} -> mode=mop
the {room} needs mopping -> mode=mop
the {room} floor needs mopping -> mode=mop
spot clean the {room} -> mode=spot
spot clean {in} -> mode=spot
do a spot clean {in} -> mode=spot
start a spot clean {in} -> mode=spot
vacuum the {room} on {vmode}
vacuum the {room} in {vmode} mode
vacuum {in} in {vmode} mode
run the vacuum {in} on {vmode}
clean the {room} floor in {vmode} mode
""",
)

DOCK = family(
    "dock",
    "action=dock device=vacuum",
    share=0.9,
    table="""
dock
dock the vacuum
dock the robot
dock the robot vacuum
dock the roomba
send the vacuum home
send the robot home
send the robot back home
send the hoover home
send the vacuum back to its dock
send the vacuum to its base
send the robot to the charger
send the roomba back to its station
send the robot vacuum to charge
return the vacuum to its dock
return the robot to base
return the vacuum to the charging station
bring the robot home
bring the vacuum back to its dock
get the vacuum back to the dock
get the robot back on its charger
park the vacuum
park the robot
charge the vacuum
charge the robot
put the vacuum back on its dock
put the robot on its charger
vacuum go home
robot go home
robot go back to your dock
vacuum back to base
vacuum home
have the robot go home
have the vacuum return to its dock
let the vacuum go home
let the robot go charge
tell the vacuum to go home
tell the robot to dock
i want the vacuum to go home
i'd like the robot back on its dock
i'd like the vacuum docked
the vacuum can go home
the vacuum should go back to its dock
the robot needs to charge
would you mind sending the vacuum home
would you mind docking the robot
the vacuum is done, send it home
make the robot go home
the robot can go back to its base
recharge the vacuum
""",
)

STOP = family(
    "stop",
    "action=stop",
    devices=HALTING,
    room=0.3,
    whole=0,
    table="""
stop {t}
stop {t}
stop {t} now
stop {t} right there
stop running {t}
halt {t}
end {t}
end the program of {t}
end the cycle on {t}
abort {t}
abort the cycle on {t}
interrupt {t}
quit {t}
quit running {t}
make {t} stop
get {t} to stop
have {t} stop
have {t} stopped
bring {t} to a stop
bring {t} to a halt
{t} stop
{t} should stop
{t} has to stop
i want {t} stopped
i want {t} to stop
i'd like {t} to stop
i'd like {t} stopped
i need {t} to stop
i need to stop {t}
let's stop {t}
can {t} be stopped
can i have {t} stopped
would you mind stopping {t}
do you mind stopping {t}
tell {t} to stop
stop vacuuming -> device=vacuum
stop vacuuming the {room} -> device=vacuum
stop cleaning the {room} -> device=vacuum
stop the cleaning -> device=vacuum
stop the washing -> device=washing_machine
stop the laundry -> device=washing_machine
stop the wash -> device=washing_machine
stop brewing -> device=coffee_maker
stop the coffee -> device=coffee_maker
stop the dishes -> device=dishwasher
stop drying -> device=dryer
""",
)

PAUSE = family(
    "pause",
    "action=pause",
    devices=PAUSABLE,
    room=0.25,
    whole=0,
    share=0.9,
    table="""
pause {t}
pause {t}
pause {t} [for now|for a moment|for a bit]
pause the program of {t}
put {t} on pause
put {t} on hold
hold {t}
hold {t} for now
suspend {t}
interrupt {t} for a moment
halt {t} for a moment
stop {t} for a moment
stop {t} for a second
take a break with {t}
have {t} pause
have {t} paused
make {t} pause
get {t} to pause
{t} pause
{t} on pause
{t} should pause
i want {t} paused
i'd like {t} paused
i'd like {t} to pause
i need {t} to pause
let's pause {t}
would you mind pausing {t}
do you mind pausing {t}
can {t} be paused
tell {t} to pause
pause the laundry -> device=washing_machine
pause vacuuming -> device=vacuum
pause the cleaning -> device=vacuum
pause the wash -> device=washing_machine
""",
)

RESUME = family(
    "resume",
    "action=resume",
    devices=PAUSABLE,
    room=0.25,
    whole=0,
    share=0.9,
    table="""
resume {t}
resume {t}
resume the program of {t}
continue {t}
continue with {t}
continue the program of {t}
continue running {t}
unpause {t}
carry on with {t}
go on with {t}
keep {t} going
keep going with {t}
proceed with {t}
restart {t} where it left off
have {t} continue
have {t} resume
let {t} continue
let {t} carry on
make {t} continue
get {t} going again
{t} continue
{t} resume
{t} can continue
{t} can carry on
{t} should continue
i want {t} to continue
i'd like {t} to resume
i'd like {t} to carry on
let's resume {t}
let's continue with {t}
would you mind resuming {t}
would you mind continuing {t}
can {t} continue
tell {t} to continue
tell {t} to carry on
take {t} off pause
resume vacuuming -> device=vacuum
continue vacuuming -> device=vacuum
continue vacuuming the {room} -> device=vacuum
continue the laundry -> device=washing_machine
resume the wash -> device=washing_machine
""",
)

FAMILIES = (
    START,
    COFFEE,
    KETTLE,
    LAUNDRY,
    START_MODE,
    SET_MODE,
    OVEN,
    OVEN_ON,
    HOTTER,
    LESS_HOT,
    VACUUM,
    DOCK,
    STOP,
    PAUSE,
    RESUME,
)
