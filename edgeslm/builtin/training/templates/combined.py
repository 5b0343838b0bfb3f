"""Lists said with one verb, or with none: "bedroom light on, kitchen off", "lock the front door and the back door".

Each line: the steps' kinds, then the text. {1}, {2}, {3} are the targets of the steps; {v1}, {c1},
{g1} their per cent, colour, degrees;
{D} is a device shared by all, {r1}, {r2}, {r3} the rooms it is meant in.
"""

COMBINED = tuple(
    line.strip()
    for line in """
on on | turn on {1} and {2}
on on | turn {1} and {2} on
on on | switch on {1} and {2}
on on | switch {1} and {2} on
on on | turn on both {1} and {2}
on on | {1} and {2} on
on on | {1} on and {2} on
on on | {1} on, {2} on
on on | put on {1} and also {2}
on on | turn on {1} and {2} as well
on on | turn on {1}, and {2} too
on on | i want {1} and {2} on
on on | would you mind turning on {1} and {2}
on on | i'd like {1} and {2} on
off off | turn off {1} and {2}
off off | turn {1} and {2} off
off off | switch off {1} and {2}
off off | switch {1} and {2} off
off off | shut off {1} and {2}
off off | kill {1} and {2}
off off | turn off both {1} and {2}
off off | {1} and {2} off
off off | {1} off and {2} off
off off | {1} off, {2} off
off off | turn off {1} and also {2}
off off | turn off {1} and {2} as well
off off | turn off {1}, and {2} too
off off | i don't need {1} and {2} anymore
off off | i want {1} and {2} off
off off | would you mind turning off {1} and {2}
on off | {1} on, {2} off
on off | {1} on and {2} off
on off | turn {1} on and {2} off
on off | turn on {1} and {2} off
on off | switch {1} on, {2} off
on off | i want {1} on and {2} off
on off | {1} on but {2} off
on off | put {1} on and {2} off
off on | {1} off, {2} on
off on | {1} off and {2} on
off on | turn {1} off and {2} on
off on | switch {1} off, {2} on
off on | {1} off but {2} on
off on | i'd like {1} off and {2} on
off on | turn off {1} but turn on {2}
off on | instead of {1} turn on {2}
on on on | turn on {1}, {2} and {3}
on on on | turn on {1}, {2}, and {3}
on on on | turn on {1} and {2} and {3}
on on on | turn {1}, {2} and {3} on
on on on | switch on {1}, {2} and {3}
on on on | switch {1}, {2} and {3} on
on on on | {1}, {2} and {3} on
on on on | {1} on, {2} on, {3} on
on on on | put on {1}, {2} and {3}
on on on | i want {1}, {2} and {3} on
off off off | turn off {1}, {2} and {3}
off off off | turn off {1}, {2}, and {3}
off off off | turn off {1} and {2} and {3}
off off off | turn {1}, {2} and {3} off
off off off | switch off {1}, {2} and {3}
off off off | switch {1}, {2} and {3} off
off off off | shut off {1}, {2} and {3}
off off off | {1}, {2} and {3} off
off off off | {1} off, {2} off, {3} off
off off off | kill {1}, {2} and {3}
off off off | i want {1}, {2} and {3} off
on on off | {1} on, {2} on, {3} off
on on off | turn {1} and {2} on and {3} off
on on off | turn on {1} and {2} and turn off {3}
on off off | {1} on, {2} off, {3} off
on off off | turn {1} on, {2} and {3} off
on off on | {1} on, {2} off, {3} on
on off on | turn {1} on, {2} off and {3} on
off on off | {1} off, {2} on, {3} off
off off on | {1} off, {2} off, {3} on
off off on | turn off {1} and {2} and turn on {3}
off off on | turn {1} and {2} off and {3} on
off on on | {1} off, {2} on and {3} on
open open | open {1} and {2}
open open | open both {1} and {2}
open open | open {1} and also {2}
open open | {1} and {2} open
open open | open up {1} and {2}
open open | i want {1} and {2} open
open open | would you mind opening {1} and {2}
close close | close {1} and {2}
close close | shut {1} and {2}
close close | close both {1} and {2}
close close | close {1} and also {2}
close close | {1} and {2} closed
close close | i want {1} and {2} closed
close close | would you mind closing {1} and {2}
open close | open {1} and close {2}
open close | {1} open, {2} closed
open close | {1} open and {2} closed
close open | close {1} and open {2}
close open | {1} closed, {2} open
close open | {1} closed but {2} open
open open open | open {1}, {2} and {3}
open open open | open {1} and {2} and {3}
open open open | open up {1}, {2} and {3}
close close close | close {1}, {2} and {3}
close close close | close {1} and {2} and {3}
close close close | shut {1}, {2} and {3}
close close close | {1}, {2} and {3} closed
lock lock | lock {1} and {2}
lock lock | lock both {1} and {2}
lock lock | lock {1} and also {2}
lock lock | lock up {1} and {2}
lock lock | {1} and {2} locked
lock lock | i want {1} and {2} locked
lock lock | make sure {1} and {2} are locked
lock lock | would you mind locking {1} and {2}
unlock unlock | unlock {1} and {2}
unlock unlock | unlock both {1} and {2}
unlock unlock | i want {1} and {2} unlocked
unlock unlock | would you mind unlocking {1} and {2}
lock unlock | lock {1} and unlock {2}
lock unlock | {1} locked, {2} unlocked
unlock lock | unlock {1} and lock {2}
unlock lock | unlock {1} but lock {2}
lock lock lock | lock {1}, {2} and {3}
lock lock lock | lock {1} and {2} and {3}
lock lock lock | lock up {1}, {2} and {3}
lock lock lock | make sure {1}, {2} and {3} are locked
unlock unlock unlock | unlock {1}, {2} and {3}
get_lock get_lock | are {1} and {2} locked
get_lock get_lock | is {1} locked and {2}
get_lock get_lock | check if {1} and {2} are locked
get_on get_on | are {1} and {2} on
get_on get_on | check if {1} and {2} are on
get_on get_on | did i turn off {1} and {2}
get_open get_open | are {1} and {2} open
get_open get_open | check if {1} and {2} are closed
get_open get_open | did i close {1} and {2}
pct pct | set {1} to {v1} and {2} to {v2}
pct pct | {1} to {v1} and {2} to {v2}
pct pct | {1} to {v1}, {2} to {v2}
pct pct | {1} at {v1}, {2} at {v2}
pct pct | {1} {v1}, {2} {v2}
pct pct | dim {1} to {v1} and {2} to {v2}
pct pct | put {1} at {v1} and {2} at {v2}
pct pct | turn {1} to {v1} and {2} to {v2}
pct pct | i want {1} at {v1} and {2} at {v2}
pct pct | would you mind setting {1} to {v1} and {2} to {v2}
pct pct pct | set {1} to {v1}, {2} to {v2} and {3} to {v3}
pct pct pct | {1} to {v1}, {2} to {v2}, {3} to {v3}
pct pct pct | {1} {v1}, {2} {v2}, {3} {v3}
pct pct pct | {1} at {v1}, {2} at {v2} and {3} at {v3}
pct off | set {1} to {v1} and {2} off
pct off | {1} to {v1}, {2} off
pct off | {1} to {v1} and {2} off
pct on | {1} to {v1}, {2} on
on pct | turn {1} on and {2} to {v2}
on pct | {1} on, {2} to {v2}
on pct | {1} on and {2} at {v2}
off pct | turn {1} off and {2} to {v2}
off pct | {1} off, {2} to {v2}
off pct | turn {1} off and {2} down to {v2}
on off pct | {1} on, {2} off, {3} to {v3}
off on pct | {1} off, {2} on and {3} to {v3}
pct off off | {1} to {v1}, {2} off, {3} off
off off pct | turn {1} off, {2} off and {3} to {v3}
color color | set {1} to {c1} and {2} to {c2}
color color | make {1} {c1} and {2} {c2}
color color | turn {1} {c1} and {2} {c2}
color color | {1} {c1}, {2} {c2}
color color | {1} in {c1} and {2} in {c2}
color color | {1} to {c1}, {2} to {c2}
color color | change {1} to {c1} and {2} to {c2}
color color color | {1} {c1}, {2} {c2} and {3} {c3}
color color color | make {1} {c1}, {2} {c2} and {3} {c3}
color pct | make {1} {c1} and {2} {v2}
color pct | {1} {c1}, {2} to {v2}
color off | {1} {c1}, {2} off
color off | turn {1} {c1} and {2} off
off color | {1} off, {2} {c2}
off color | turn {1} off and {2} {c2}
deg deg | set {1} to {g1} and {2} to {g2}
deg deg | {1} to {g1}, {2} to {g2}
deg deg | {1} to {g1} and {2} to {g2}
deg deg | put {1} on {g1} and {2} on {g2}
deg deg | {1} at {g1}, {2} at {g2}
deg off | set {1} to {g1} and turn {2} off
deg off | {1} to {g1}, {2} off
deg pct | {1} to {g1}, {2} to {v2}
deg pct | set {1} to {g1} and {2} to {v2}
start start | start {1} and {2}
start start | run {1} and {2}
start start | start {1} and also {2}
start start | run both {1} and {2}
start start | would you mind starting {1} and {2}
start start start | start {1}, {2} and {3}
start start start | run {1}, {2} and {3}
stop stop | stop {1} and {2}
stop stop | stop both {1} and {2}
start off | start {1}, {2} off
arm lock | arm {1} and lock {2}
lock arm | lock {1} and arm {2}
close lock | close {1} and lock {2}
off lock | {1} off and {2} locked
off lock close | {1} off, {2} locked and {3} closed
off close | {1} off, {2} closed
on open | {1} on, {2} open
on close | {1} on and {2} closed
off on | turn {=} off and on again
off on | turn {=} off and back on
off on | turn {=} off and then on again
off on | switch {=} off and on
on on | turn on the {D} in {r1} and {r2}
on on | turn on the {D} in {r1} and in {r2}
on on | turn the {D} on in {r1} and {r2}
on on | switch on the {D} in {r1} and {r2}
on on | turn on {r1} and {r2} {D}
on on | turn on the {r1} and {r2} {D}
on on | {D} on in {r1} and {r2}
on on | {r1} and {r2} {D} on
on on on | turn on the {D} in {r1}, {r2} and {r3}
on on on | turn on the {r1}, {r2} and {r3} {D}
on on on | {D} on in {r1}, {r2} and {r3}
on on on | turn the {D} on in {r1}, {r2}, and {r3}
on on on | switch on the {D} in {r1}, {r2} and {r3}
off off | turn off the {D} in {r1} and {r2}
off off | turn off the {D} in {r1} and in {r2}
off off | turn the {D} off in {r1} and {r2}
off off | switch off the {D} in {r1} and {r2}
off off | turn off the {r1} and {r2} {D}
off off | kill the {D} in {r1} and {r2}
off off | {D} off in {r1} and {r2}
off off | {r1} and {r2} {D} off
off off off | turn off the {D} in {r1}, {r2} and {r3}
off off off | turn off the {r1}, {r2} and {r3} {D}
off off off | {D} off in {r1}, {r2} and {r3}
off off off | turn the {D} off in {r1}, {r2}, and {r3}
off off off | switch off the {D} in {r1}, {r2} and {r3}
on off | {r1} {D} on, {r2} off
on off | {r1} {D} on and {r2} off
on off | turn the {r1} {D} on and the {r2} one off
on off | {D} on in {r1}, off in {r2}
on off | turn the {D} on in {r1} and off in {r2}
off on | {r1} {D} off, {r2} on
off on | turn the {r1} {D} off and the {r2} one on
off on | {D} off in {r1} and on in {r2}
off on | turn the {D} off in {r1} but on in {r2}
on off off | {r1} {D} on, {r2} and {r3} off
off off on | {r1} and {r2} {D} off, {r3} on
on off on | {r1} {D} on, {r2} off, {r3} on
open open | open the {D} in {r1} and {r2}
open open | open the {r1} and {r2} {D}
open open open | open the {D} in {r1}, {r2} and {r3}
open close | open the {r1} {D} and close the {r2} ones
close close | close the {D} in {r1} and {r2}
close close | close the {r1} and {r2} {D}
close close | shut the {D} in {r1} and {r2}
close close close | close the {D} in {r1}, {r2} and {r3}
close close close | close the {r1}, {r2} and {r3} {D}
close open | close the {r1} {D} and open the {r2} ones
pct pct | set the {D} to {v1} in {r1} and {v2} in {r2}
pct pct | {r1} {D} to {v1}, {r2} to {v2}
pct pct | set the {r1} {D} to {v1} and the {r2} one to {v2}
pct off | {r1} {D} to {v1}, {r2} off
color color | make the {D} {c1} in {r1} and {c2} in {r2}
color color | {r1} {D} {c1}, {r2} {c2}
color color | make the {r1} {D} {c1} and the {r2} one {c2}
deg deg | set the {D} to {g1} in {r1} and {g2} in {r2}
deg deg | {r1} to {g1} and {r2} to {g2}
deg deg | {r1} {D} to {g1}, {r2} to {g2}
vac vac | vacuum {r1} and {r2}
vac vac | vacuum the {r1} and the {r2}
vac vac vac | vacuum {r1}, {r2} and {r3}
vac vac vac | vacuum the {r1}, the {r2} and the {r3}
vac vac | clean the floor in {r1} and {r2}
""".strip().splitlines()
    if line.strip()
)
