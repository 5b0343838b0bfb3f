"""Blinds, windows, awnings, doors and gates that move; and the locks."""

from .family import family

COVERS = "blinds:6 curtains:5 shutters:3 shades:3 window:4 skylight:1.5 awning:2 garage_door:3 gate:2"
LEVELS = "blinds:6 curtains:4 shutters:3 shades:3 window:2 skylight:1 awning:1.5 garage_door:1"
FALLING = "blinds:6 shutters:4 shades:4"
DRAWN = "curtains:6 blinds:2 shades:2"
ROLLING = "awning:4 shutters:3 shades:2"
GLASS = "window:5 skylight:2"
GATES = "garage_door:3 gate:2"

OPEN = family(
    "open",
    "action=open",
    devices=COVERS,
    share=1.4,
    table="""
open {t}
open {t}
open {t}
open up {t}
open {t} up
get {t} open
have {t} opened
have {t} open
make sure {t} {is} open
{t} open
{t} open please
{t} opened
{t} should be open
{t} to open
set {t} to open
i want {t} open
i want {t} opened
i'd like {t} open
i would like {t} opened
i'd like you to open {t}
i'd like to open {t}
i need {t} open
i need to open {t}
let's open {t}
let's have {t} open
can i have {t} open
can i get {t} open
can we have {t} open
could we get {t} opened
would you mind opening {t}
would you mind opening {t} up
do you mind opening {t}
mind opening {t}
how about opening {t}
what about opening {t}
i'd appreciate it if you opened {t}
it would be nice to have {t} open
leave {t} open
keep {t} open
open the {d} {in}
open up the {d} {in}
{in} open the {d}
{in}, {d} open
{d} open {in}
i want the {d} open {in}
{t} {is} still closed, open {it}
can {t} be opened
could {t} be opened
time to open {t}
somebody open {t}
open {t} all the way
open {t} completely
open {t} wide
fully open {t}
""",
)

OPEN_SPECIAL = family(
    "open_special",
    "action=open",
    table="""
let the sun in -> device=blinds
let some sun in -> device=blinds
let in the sun -> device=blinds
let the sunlight in -> device=blinds
let in some sunlight {in} -> device=blinds
let the sun into the {room} -> device=blinds
let the light in {in} -> device=blinds
let some daylight in {in} -> device=blinds
let in some daylight -> device=blinds
let some fresh air in -> device=window
let some fresh air in {in} -> device=window
let in some fresh air -> device=window
let some air into the {room} -> device=window
air out the {room} -> device=window
get some fresh air {in} -> device=window
i need some fresh air {in} -> device=window
i need fresh air -> device=window
it's stuffy {inq} -> device=window
the {room} needs some fresh air -> device=window
let the car in -> device=garage_door
let me into the garage -> device=garage_door
let me out of the garage -> device=garage_door
""",
    share=0.8,
)

RAISE = family(
    "raise",
    "action=open",
    devices=FALLING,
    share=0.8,
    table="""
raise {t}
raise up {t}
lift {t}
lift up {t}
roll up {t}
roll {t} up
pull up {t}
pull {t} up
put {t} up
bring {t} up
move {t} up
{t} up
i want {t} up
i'd like {t} up
i'd like {t} raised
would you mind raising {t}
would you mind lifting {t}
would you mind pulling up {t}
let's have {t} up
get {t} up
""",
)

DROP = family(
    "drop",
    "action=close",
    devices=FALLING,
    share=0.8,
    table="""
lower {t}
lower down {t}
drop {t}
drop down {t}
let {t} down
let down {t}
roll down {t}
roll {t} down
pull down {t}
pull {t} down
put {t} down
bring {t} down
move {t} down
{t} down
i want {t} down
i'd like {t} down
i'd like {t} lowered
would you mind lowering {t}
would you mind dropping {t}
would you mind pulling down {t}
let's have {t} down
get {t} down
""",
)

DRAW_OPEN = family(
    "draw_open",
    "action=open",
    devices=DRAWN,
    share=0.7,
    table="""
pull {t} open
draw {t} open
pull back {t}
draw back {t}
pull {t} back
part {t}
slide {t} open
slide open {t}
throw open {t}
would you mind drawing back {t}
""",
)

DRAW_CLOSED = family(
    "draw_closed",
    "action=close",
    devices=DRAWN,
    share=0.7,
    table="""
draw {t}
draw {t} closed
draw {t} shut
pull {t} closed
pull {t} shut
pull {t} together
draw {t} together
slide {t} shut
slide {t} closed
would you mind drawing {t}
i'd like {t} drawn
i want {t} drawn
""",
)

EXTEND = family(
    "extend",
    "action=open",
    devices="awning",
    share=0.5,
    room=0.5,
    table="""
extend {t}
roll out {t}
roll {t} out
put out {t}
put {t} out
unroll {t}
unfold {t}
let out {t}
{t} out
get {t} out
""",
)

RETRACT = family(
    "retract",
    "action=close",
    devices="awning",
    share=0.5,
    room=0.5,
    table="""
retract {t}
roll in {t}
roll {t} in
pull in {t}
bring in {t}
take in {t}
fold up {t}
fold {t}
{t} in
get {t} in
""",
)

CLOSE = family(
    "close",
    "action=close",
    devices=COVERS,
    share=1.4,
    table="""
close {t}
close {t}
close {t}
close up {t}
shut {t}
shut {t}
get {t} closed
get {t} shut
have {t} closed
have {t} shut
make sure {t} {is} closed
make sure {t} {is} shut
{t} closed
{t} closed please
{t} shut
{t} should be closed
{t} to close
{t} close
set {t} to closed
i want {t} closed
i want {t} shut
i'd like {t} closed
i would like {t} shut
i'd like to close {t}
i need {t} closed
i need to close {t}
let's close {t}
let's have {t} closed
can i have {t} closed
can i get {t} shut
can we have {t} closed
could we get {t} closed
would you mind closing {t}
would you mind shutting {t}
do you mind closing {t}
mind closing {t}
how about closing {t}
what about shutting {t}
i'd appreciate it if you closed {t}
it would be nice to have {t} closed
leave {t} closed
keep {t} closed
keep {t} shut
close the {d} {in}
shut the {d} {in}
{in} close the {d}
{in} shut the {d}
{in}, {d} closed
{d} closed {in}
i want the {d} closed {in}
{t} {is} still open, close {it}
{t} {is} open, shut {it}
why {is} {t} still open
can {t} be closed
could {t} be closed
i forgot to close {t}
i left {t} open
i left {t} open, close {it}
someone left {t} open
time to close {t}
somebody close {t}
close {t} all the way
close {t} completely
fully close {t}
""",
)

CLOSE_SPECIAL = family(
    "close_special",
    "action=close",
    share=0.6,
    table="""
block out the sun {in} -> device=blinds
keep the sun out {in} -> device=blinds
keep the sun out -> device=blinds
shut out the sun -> device=blinds
block the sunlight {in} -> device=blinds
the sun is blinding me {inq} -> device=blinds
the sun is in my eyes {inq} -> device=blinds
i need some privacy {in} -> device=curtains
there's a draft from the {room} window -> device=window
it's raining in through the {room} window -> device=window
""",
)

LEVEL = family(
    "level",
    "action=set",
    devices=LEVELS,
    share=1.1,
    table="""
set {t} to {pct}
set {t} at {pct}
set {t} to {npct} open
put {t} at {pct}
put {t} to {pct}
bring {t} to {pct}
bring {t} down to {pct}
move {t} to {pct}
adjust {t} to {pct}
change {t} to {pct}
lower {t} to {pct}
raise {t} to {pct}
open {t} to {pct}
open {t} {npct}
open {t} by {npct}
open {t} up to {pct}
{t} to {pct}
{t} at {pct}
{t} {npct}
{t} {npct} open
{t} open to {pct}
i want {t} at {pct}
i want {t} {npct} open
i'd like {t} at {pct}
i'd like {t} {npct} open
can i have {t} at {pct}
can i get {t} {npct} open
would you mind setting {t} to {pct}
would you mind opening {t} to {pct}
let's have {t} at {pct}
leave {t} {npct} open
{npct} on {t}
open {t} halfway -> value=50 unit=%
open {t} half way -> value=50 unit=%
half open {t} -> value=50 unit=%
close {t} halfway -> value=50 unit=%
close {t} half way -> value=50 unit=%
{t} halfway -> value=50 unit=%
{t} half open -> value=50 unit=%
{t} halfway open -> value=50 unit=%
put {t} halfway down -> value=50 unit=%
set {t} to halfway -> value=50 unit=%
i want {t} half open -> value=50 unit=%
""",
)

LEVEL_UP = family(
    "level_up",
    "action=increase",
    devices="blinds:4 curtains:2 shutters:2 shades:2 window:1",
    share=0.5,
    table="""
open {t} [a bit|a little|slightly] more
open {t} a little more
open {t} a bit further
raise {t} a bit
raise {t} by {dpct}
increase {t} by {dpct}
move {t} up by {dpct}
bring {t} up a bit
""",
)

LEVEL_DOWN = family(
    "level_down",
    "action=decrease",
    devices="blinds:4 curtains:2 shutters:2 shades:2 window:1",
    share=0.5,
    table="""
close {t} [a bit|a little|slightly] more
close {t} a little more
close {t} a bit further
lower {t} a bit
lower {t} by {dpct}
decrease {t} by {dpct}
move {t} down by {dpct}
bring {t} down a bit
""",
)

LOCK = family(
    "lock",
    "action=lock device=lock",
    share=1.6,
    table="""
lock {door}
lock {door}
lock {door}
lock up {door}
lock {door} up
bolt {door}
secure {door}
latch {door}
get {door} locked
have {door} locked
keep {door} locked
make sure {door} is locked
make sure that {door} is locked
{door} locked
{door} locked please
{door} should be locked
{door} needs to be locked
{door} lock
set {door} to locked
put the lock on {door}
put the bolt on {door}
turn the lock on {door}
engage the lock on {door}
close the lock on {door}
activate the lock on {door}
lock the lock on {door}
i want {door} locked
i'd like {door} locked
i would like {door} locked
i'd like to lock {door}
i need {door} locked
i need to lock {door}
let's lock {door}
let's have {door} locked
let's get {door} locked
can i have {door} locked
can i get {door} locked
could we have {door} locked
would you mind locking {door}
do you mind locking {door}
mind locking {door}
how about locking {door}
i'd appreciate it if you locked {door}
{door} is unlocked, lock it
{door} is still unlocked
{door} isn't locked, lock it
i forgot to lock {door}
i left {door} unlocked
did i lock {door}, if not lock it
someone left {door} unlocked
time to lock {door}
can {door} be locked
lock the {locked}
lock up the {locked}
secure the {locked}
i want the {locked} locked
lock all the doors -> room=all
lock all doors -> room=all
lock every door -> room=all
lock up the whole house -> room=all
lock the whole house -> room=all
lock everything up -> room=all
all doors locked -> room=all
lock all the doors in the house -> room=all
secure all the doors -> room=all
make sure all the doors are locked -> room=all
make sure every door is locked -> room=all
i want all the doors locked -> room=all
lock all the doors except {door2} -> room=all
lock every door but {door2} -> room=all
lock the doors
lock the door
lock the door please
""",
)

UNLOCK = family(
    "unlock",
    "action=unlock device=lock",
    share=1.6,
    table="""
unlock {door}
unlock {door}
unlock {door}
unbolt {door}
unlatch {door}
get {door} unlocked
have {door} unlocked
keep {door} unlocked
leave {door} unlocked
make sure {door} is unlocked
make sure that {door} is unlocked
{door} unlocked
{door} unlocked please
{door} should be unlocked
{door} needs to be unlocked
{door} unlock
set {door} to unlocked
take the lock off {door}
take the bolt off {door}
release the lock on {door}
open the lock on {door}
open the lock of {door}
disengage the lock on {door}
undo the lock on {door}
unlock the lock on {door}
release {door}
i want {door} unlocked
i'd like {door} unlocked
i would like {door} unlocked
i'd like to unlock {door}
i need {door} unlocked
i need to unlock {door}
let's unlock {door}
let's have {door} unlocked
let's get {door} unlocked
can i have {door} unlocked
can i get {door} unlocked
could we have {door} unlocked
would you mind unlocking {door}
do you mind unlocking {door}
mind unlocking {door}
how about unlocking {door}
i'd appreciate it if you unlocked {door}
{door} is locked, unlock it
{door} is still locked, open it up
i can't get in, unlock {door}
let me in through {door}
let me in at {door}
let them in through {door}
let him in at {door}
let the guests in through {door}
let the cleaner in at {door}
time to unlock {door}
can {door} be unlocked
unlock the {locked}
i want the {locked} unlocked
unlock all the doors -> room=all
unlock all doors -> room=all
unlock every door -> room=all
unlock the whole house -> room=all
all doors unlocked -> room=all
i want all the doors unlocked -> room=all
unlock all the doors except {door2} -> room=all
unlock the doors
unlock the door
unlock the door please
""",
)

FAMILIES = (
    OPEN,
    OPEN_SPECIAL,
    RAISE,
    DROP,
    DRAW_OPEN,
    DRAW_CLOSED,
    EXTEND,
    RETRACT,
    CLOSE,
    CLOSE_SPECIAL,
    LEVEL,
    LEVEL_UP,
    LEVEL_DOWN,
    LOCK,
    UNLOCK,
)
