"""The alarm system, the cameras, and scenes."""

from .family import family

ARM = family(
    "arm",
    "action=arm device=alarm_system",
    share=1.0,
    table="""
arm {as}
arm {as}
arm {as}
arm {as} now
arm the house
arm the home
arm everything
arm {as} in {amode} mode
arm {as} for {amode}
arm {as} to {amode}
arm {as} in {amode}
arm {as} on {amode}
arm the house in {amode} mode
arm in {amode} mode
arm {amode}
arm {amode} mode
arm for the night -> mode=night
arm {as} for the night -> mode=night
arm {as} and stay home -> mode=home
activate {as}
activate {as} in {amode} mode
enable {as}
enable {as} in {amode} mode
engage {as}
turn on {as}
turn {as} on
turn on {as} in {amode} mode
turn {as} on in {amode} mode
switch on {as}
switch {as} on
switch on {as} in {amode} mode
put on {as}
put {as} on
put {as} on {amode}
put {as} in {amode} mode
set {as}
set {as} to {amode}
set {as} to {amode} mode
set {as} to armed
set {as} for {amode}
{as} on
{as} on please
{as} armed
{as} to {amode}
{as} to {amode} mode
{as} in {amode} mode
{as} {amode} mode
get {as} armed
have {as} armed
have {as} armed in {amode} mode
make sure {as} is armed
make sure {as} is on
keep {as} armed
{as} should be armed
i want {as} armed
i want {as} in {amode} mode
i want {as} on
i'd like {as} armed
i'd like {as} armed in {amode} mode
i'd like {as} on
i would like to arm {as}
i need {as} armed
let's arm {as}
let's arm {as} in {amode} mode
would you mind arming {as}
would you mind arming {as} in {amode} mode
would you mind activating {as}
how about arming {as}
time to arm {as}
can {as} be armed
i forgot to arm {as}
secure the house
protect the house
start {as}
""",
)

DISARM = family(
    "disarm",
    "action=disarm device=alarm_system",
    share=1.2,
    table="""
disarm {as}
disarm {as}
disarm {as}
disarm {as} now
disarm
disarm the house
disarm the home
disarm everything
deactivate {as}
deactivate {as} now
disable {as}
disable {as} now
disengage {as}
unarm {as}
turn off {as}
turn {as} off
switch off {as}
switch {as} off
shut off {as}
shut down {as}
put {as} off
set {as} to disarmed
set {as} to off
{as} off
{as} off please
{as} disarmed
get {as} disarmed
have {as} disarmed
take {as} down
take {as} off
make sure {as} is disarmed
make sure {as} is off
keep {as} off
{as} should be disarmed
{as} should be off
i want {as} disarmed
i want {as} off
i'd like {as} disarmed
i'd like {as} off
i would like to disarm {as}
i need {as} disarmed
i need {as} off
i need to disarm {as}
let's disarm {as}
would you mind disarming {as}
would you mind deactivating {as}
would you mind turning off {as}
how about disarming {as}
time to disarm {as}
can {as} be disarmed
i don't need {as} anymore
i forgot to disarm {as}
i'm home, disarm {as}
it's me, disarm {as}
we're back, disarm {as}
kill {as}
""",
)

SHOW = family(
    "show",
    "action=show device=camera",
    devices="camera",
    share=1.3,
    when=False,
    room=0.85,
    table="""
show {t}
show {t}
show me {t}
show me {t}
show us {t}
show me the picture from {t}
show me the feed from {t}
show me the view from {t}
show me the footage of {t}
show me the stream of {t}
show the feed of {t}
show the video from {t}
show me what {t} sees
show me {t} feed
show {t} feed
display {t}
display {t} feed
display the feed from {t}
display the view from {t}
view {t}
view the feed of {t}
bring up {t}
bring up {t} feed
bring {t} up
pull up {t}
pull up the feed from {t}
pull {t} up
open {t} feed
put {t} on
put {t} on the screen
put up {t}
get {t} up
get me {t}
give me {t}
give me the view from {t}
give me the feed of {t}
let me see {t}
let me see the feed from {t}
let me see the picture from {t}
let me look at {t}
let me view {t}
let me have a look at {t}
let's see {t}
let's look at {t}
let's have a look at {t}
i want to see {t}
i want to see the feed from {t}
i want to look at {t}
i'd like to see {t}
i'd like to view {t}
i'd like a look at {t}
i would like to see {t}
i need to see {t}
can i see {t}
can i see the feed from {t}
can i look at {t}
could i see {t}
could we see {t}
may i see {t}
would you mind showing me {t}
would you mind showing {t}
would you mind bringing up {t}
how about showing {t}
take a look at {t}
have a look at {t}
what does {t} see
what do you see on {t}
what's on {t}
{t} please
{t}
{t} view
{t} feed
stream {t}
""",
)

SHOW_PLACE = family(
    "show_place",
    "action=show device=camera",
    share=0.9,
    when=False,
    table="""
show me the {room}
show me the {room} please
show the {room}
show me the {watched}
show the {watched}
let me see the {room}
let me see the {watched}
let's see the {room}
i want to see the {room}
i want to see the {watched}
i'd like to see the {room}
i'd like to see the {watched}
can i see the {room}
can i see the {watched}
display the {room}
bring up the {watched}
show me what's happening {in}
show me what's going on {in}
what's happening {in}
what's going on {in}
show me who is at the {watched}
show me who's at the {watched}
who is at the {watched}
who's at the {watched}
is anybody at the {watched}
is someone at the {watched}
is there anyone {in}
let me see who's at the {watched}
let me see what's going on {in}
let me see what's happening {in}
show the doorbell -> device=doorbell
show me the doorbell -> device=doorbell
show the doorbell camera -> device=doorbell
show me the doorbell camera -> device=doorbell
let me see the doorbell -> device=doorbell
bring up the doorbell -> device=doorbell
i want to see the doorbell camera -> device=doorbell
""",
)

SCENE = family(
    "scene",
    "action=turn_on device=scene",
    share=1.3,
    table="""
turn on the {scene} scene
turn on {scene} mode
turn the {scene} scene on
turn {scene} mode on
turn on my {scene} scene
switch on the {scene} scene
switch on {scene} mode
switch the {scene} scene on
switch to {scene} mode
switch to the {scene} scene
switch to my {scene} scene
switch over to {scene} mode
activate {scene} mode
activate the {scene} scene
activate the scene {scene}
activate my {scene} scene
enable {scene} mode
enable the {scene} scene
start {scene} mode
start the {scene} scene
start the scene {scene}
start my {scene} scene
run the {scene} scene
run {scene} mode
run my {scene} scene
run the scene {scene}
begin {scene} mode
begin the {scene} scene
launch {scene} mode
launch the {scene} scene
trigger the {scene} scene
trigger {scene} mode
set the {scene} scene
set {scene} mode
set the house to {scene} mode
set the scene to {scene}
set the scene for {scene}
put on the {scene} scene
put the {scene} scene on
put the house in {scene} mode
put the house into {scene} mode
put it in {scene} mode
go to {scene} mode
go into {scene} mode
go to the {scene} scene
change to {scene} mode
change to the {scene} scene
change the scene to {scene}
enter {scene} mode
apply the {scene} scene
load the {scene} scene
get the house into {scene} mode
get {scene} mode going
use the {scene} scene
{scene} scene
{scene} scene please
{scene} scene on
{scene} mode
{scene} mode please
{scene} mode on
scene {scene}
i want {scene} mode
i want the {scene} scene
i'd like {scene} mode
i'd like the {scene} scene
i'd like the {scene} scene on
i would like {scene} mode on
i need {scene} mode
let's go to {scene} mode
let's have the {scene} scene
let's have {scene} mode
can i have {scene} mode
can we have the {scene} scene
would you mind starting {scene} mode
would you mind activating the {scene} scene
would you mind switching to {scene} mode
it's time for {scene} mode
time for the {scene} scene
make it {scene} mode
""",
)

SCENE_OFF = family(
    "scene_off",
    "action=turn_off device=scene",
    share=0.8,
    table="""
turn off the {scene} scene
turn off {scene} mode
turn the {scene} scene off
turn {scene} mode off
switch off the {scene} scene
switch off {scene} mode
switch the {scene} scene off
deactivate {scene} mode
deactivate the {scene} scene
disable {scene} mode
disable the {scene} scene
end {scene} mode
end the {scene} scene
exit {scene} mode
leave {scene} mode
get out of {scene} mode
{scene} scene off
{scene} mode off
i want {scene} mode off
i'd like the {scene} scene off
i don't need {scene} mode anymore
would you mind turning off {scene} mode
would you mind ending the {scene} scene
shut off {scene} mode
""",
)

FAMILIES = (ARM, DISARM, SHOW, SHOW_PLACE, SCENE, SCENE_OFF)
