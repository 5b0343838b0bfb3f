"""Timers, alarms and reminders."""

from .family import family

TIMER = family(
    "timer",
    "action=set device=timer",
    when=False,
    share=1.3,
    table="""
set a timer for {dur}
set a timer for {dur}
set timer for {dur}
set timer {dur}
set a timer to {dur}
set the timer for {dur}
set the timer to {dur}
set a {adur} timer
set me a {adur} timer
set me a timer for {dur}
set up a timer for {dur}
set up a {adur} timer
start a timer for {dur}
start a {adur} timer
start the timer for {dur}
start timer {dur}
start me a timer for {dur}
begin a {adur} timer
begin a timer for {dur}
create a timer for {dur}
create a {adur} timer
create a timer of {dur}
make a timer for {dur}
make a {adur} timer
add a timer for {dur}
add a {adur} timer
add a timer of {dur}
put on a timer for {dur}
put a timer on for {dur}
put {dur} on the timer
run a timer for {dur}
run a {adur} timer
give me a {adur} timer
give me a timer for {dur}
give me {dur} on the timer
get a timer going for {dur}
get a {adur} timer going
have a timer run for {dur}
launch a {adur} timer
new timer for {dur}
new {adur} timer
new timer {dur}
timer for {dur}
timer {dur}
timer of {dur}
timer to {dur}
a timer for {dur} please
{adur} timer
{adur} timer please
{dur} timer
{dur} on the timer
count down {dur}
count down from {dur}
countdown {dur}
start a countdown of {dur}
start a {adur} countdown
time {dur}
time {dur} for me
time me for {dur}
let me know when {dur} have passed
let me know in {dur}
tell me when {dur} are up
alert me in {dur}
ping me in {dur}
i want a timer for {dur}
i want a {adur} timer
i'd like a timer for {dur}
i'd like a {adur} timer
i would like to set a timer for {dur}
i need a timer for {dur}
i need a {adur} timer
i need to time {dur}
let's have a timer for {dur}
let's set a {adur} timer
can i have a timer for {dur}
can i get a {adur} timer
could i have a {adur} timer
would you mind setting a timer for {dur}
would you mind starting a {adur} timer
how about a {adur} timer
""",
)

NAMED_TIMER = family(
    "named_timer",
    "action=set device=timer",
    when=False,
    share=1.5,
    table="""
set a timer for {dur} for {the}{tname}
set a {tname} timer for {dur}
set a {adur} {tname} timer
set a {adur} timer for {the}{tname}
set the {tname} timer to {dur}
set the {tname} timer for {dur}
set a timer for {the}{tname} for {dur}
set me a {tname} timer for {dur}
set up a {tname} timer for {dur}
start a {tname} timer for {dur}
start a {adur} timer for {the}{tname}
start a timer for {the}{tname}, {dur}
start a {adur} {tname} timer
create a {tname} timer for {dur}
create a {adur} timer for {the}{tname}
create a timer called {tname} for {dur}
create a timer named {tname} for {dur}
make a {tname} timer for {dur}
make a {adur} timer for {the}{tname}
add a {tname} timer for {dur}
add a {adur} timer for {the}{tname}
put on a {tname} timer for {dur}
put a timer on for {the}{tname} for {dur}
run a {tname} timer for {dur}
give me a {tname} timer for {dur}
give me a {adur} timer for {the}{tname}
new {tname} timer for {dur}
new timer for {the}{tname}, {dur}
timer for {the}{tname} {dur}
timer for {the}{tname} for {dur}
{tname} timer for {dur}
{tname} timer {dur}
{adur} {tname} timer
{adur} timer for {the}{tname}
i need a {tname} timer for {dur}
i need a {adur} timer for {the}{tname}
i want a {adur} timer for {the}{tname}
i'd like a {tname} timer for {dur}
i'd like a timer for {the}{tname}, {dur}
let's have a {adur} timer for {the}{tname}
can i get a {tname} timer for {dur}
can i have a {adur} timer for {the}{tname}
would you mind setting a {tname} timer for {dur}
time {the}{tname} for {dur}
count down {dur} for {the}{tname}
set a timer called {tname} for {dur}
set a timer named {tname} for {dur}
set a {adur} timer called {tname}
set a {adur} timer named {tname}
""",
)

CANCEL = family(
    "cancel_clock",
    "action=cancel",
    when=False,
    share=1.5,
    table="""
cancel the timer -> device=timer
cancel my timer -> device=timer
cancel the {tname} timer -> device=timer
cancel the timer for {the}{tname} -> device=timer
cancel timer -> device=timer
cancel all timers -> device=timer room=all
stop the timer early and cancel it -> device=timer
delete the timer -> device=timer
delete the {tname} timer -> device=timer
remove the timer -> device=timer
remove the {tname} timer -> device=timer
clear the timer -> device=timer
clear the {tname} timer -> device=timer
dismiss the timer -> device=timer
scrap the timer -> device=timer
drop the {tname} timer -> device=timer
get rid of the timer -> device=timer
call off the timer -> device=timer
forget the timer -> device=timer
forget about the {tname} timer -> device=timer
never mind the timer -> device=timer
i don't need the timer anymore -> device=timer
i don't need the {tname} timer anymore -> device=timer
i no longer need the timer -> device=timer
i want to cancel the timer -> device=timer
i'd like to cancel the {tname} timer -> device=timer
would you mind cancelling the timer -> device=timer
would you mind canceling the {tname} timer -> device=timer
the timer can be cancelled -> device=timer
timer cancel -> device=timer
cancel the alarm -> device=alarm
cancel my alarm -> device=alarm
cancel the alarm {at} -> device=alarm
cancel my alarm {at} -> device=alarm
cancel my {clock} alarm -> device=alarm
cancel the {clock} alarm -> device=alarm
cancel my alarm {for_day} -> device=alarm
cancel the {clock} alarm {for_day} -> device=alarm
delete the alarm -> device=alarm
delete my alarm -> device=alarm
delete my {clock} alarm -> device=alarm
delete the alarm {for_clock} -> device=alarm
remove the alarm -> device=alarm
remove my alarm {for_clock} -> device=alarm
remove the {clock} alarm -> device=alarm
clear the alarm -> device=alarm
clear my {clock} alarm -> device=alarm
scrap my alarm -> device=alarm
get rid of my {clock} alarm -> device=alarm
get rid of the alarm -> device=alarm
call off the alarm {for_day} -> device=alarm
forget my alarm -> device=alarm
forget about the {clock} alarm -> device=alarm
i don't need my alarm {for_day} -> device=alarm
i don't need the alarm anymore -> device=alarm
i don't need to wake up early {day} -> device=alarm
no alarm {day} -> device=alarm
don't wake me up {day} -> device=alarm
would you mind cancelling my alarm -> device=alarm
would you mind cancelling my {clock} alarm -> device=alarm
i'd like to cancel my alarm {for_day} -> device=alarm
cancel the reminder -> device=reminder
cancel my reminder -> device=reminder
cancel the reminder to {todo} -> device=reminder
cancel my reminder to {todo} -> device=reminder
cancel the reminder about {what} -> device=reminder
cancel the {tname} reminder -> device=reminder
delete the reminder -> device=reminder
delete the reminder to {todo} -> device=reminder
delete my reminder about {what} -> device=reminder
delete the {tname} reminder -> device=reminder
remove the reminder -> device=reminder
remove the reminder to {todo} -> device=reminder
remove my reminder about {what} -> device=reminder
clear the reminder to {todo} -> device=reminder
scrap the reminder about {what} -> device=reminder
get rid of the reminder to {todo} -> device=reminder
forget the reminder about {what} -> device=reminder
forget the reminder to {todo} -> device=reminder
i don't need the reminder to {todo} anymore -> device=reminder
i no longer need the reminder about {what} -> device=reminder
would you mind cancelling the reminder to {todo} -> device=reminder
you don't have to remind me to {todo} anymore -> device=reminder
""",
)

ALARM = family(
    "alarm",
    "action=set device=alarm",
    when=False,
    share=1.8,
    table="""
set an alarm {for_clock}
set an alarm {for_clock}
set an alarm {at}
set an alarm to {clock}
set alarm {for_clock}
set alarm {clock}
set alarm {at}
set my alarm {for_clock}
set my alarm {at}
set my alarm to {clock}
set the alarm {for_clock}
set the alarm to {clock}
set a {clock} alarm
set me an alarm {for_clock}
set up an alarm {for_clock}
set up a {clock} alarm
set an alarm {for_clock} {day}
set an alarm {for_clock} {day}
set my alarm {for_clock} {day}
set the alarm {for_clock} {day}
set alarm {for_clock} {day}
set an alarm {day} {at}
set an alarm {for_day} {at}
set my alarm {for_day} {at}
set a {clock} alarm {for_day}
put an alarm on {for_clock}
put on an alarm {for_clock}
put my alarm on {for_clock} {day}
create an alarm {for_clock}
create an alarm {for_clock} {day}
create a {clock} alarm
create a {clock} alarm {for_day}
make an alarm {for_clock}
make an alarm {for_clock} {day}
add an alarm {for_clock}
add an alarm {for_clock} {day}
add a {clock} alarm {for_day}
start an alarm {for_clock}
schedule an alarm {for_clock}
schedule an alarm {for_clock} {day}
schedule a {clock} alarm
give me an alarm {for_clock}
give me an alarm {at} {day}
get me up {at}
get me up {at} {day}
get me out of bed {at}
wake me {at}
wake me up {at}
wake me up {at}
wake me {at} {day}
wake me up {at} {day}
wake me up {at} {day}
wake me up {day} {at}
{day} wake me up {at}
{at} wake me up
wake me up {in_dur}
wake us up {at}
wake us up {at} {day}
alarm {for_clock}
alarm {clock}
alarm {at}
alarm {at} {day}
alarm {for_clock} {day}
alarm to {clock}
new alarm {for_clock}
new alarm {for_clock} {day}
an alarm {for_clock} please
{clock} alarm
{clock} alarm please
{clock} alarm {for_day}
i want an alarm {for_clock}
i want an alarm {at} {day}
i want to wake up {at}
i want to wake up {at} {day}
i want to get up {at} {day}
i want to be woken up {at}
i'd like an alarm {for_clock}
i'd like to wake up {at}
i'd like to get up {at} {day}
i'd like to be woken {at} {day}
i need an alarm {for_clock}
i need an alarm {for_clock} {day}
i need to wake up {at}
i need to wake up {at} {day}
i need to get up {at}
i need to get up {at} {day}
i need to be up {at}
i need to be up {by_clock} {day}
i have to get up {at} {day}
i have to be up {at}
i must get up {at} {day}
let's set an alarm {for_clock}
make sure i'm up {at}
make sure i'm up {by_clock} {day}
make sure i wake up {at} {day}
don't let me sleep past {clock}
can i have an alarm {for_clock}
can i get an alarm {at} {day}
would you mind setting an alarm {for_clock}
would you mind waking me {at}
would you mind waking me up {at} {day}
get me up {in_dur}
alarm {in_dur}
set an alarm {in_dur}
""",
)

SNOOZE = family(
    "snooze",
    "action=snooze device=alarm",
    when=False,
    share=1.0,
    table="""
snooze
snooze please
snooze the alarm
snooze my alarm
snooze it
snooze {for_dur}
snooze {for_dur}
snooze the alarm {for_dur}
snooze the alarm {for_dur}
snooze my alarm {for_dur}
snooze the alarm {dur}
snooze it {for_dur}
snooze {dur}
hit snooze
press snooze
hit the snooze button
give me {dur} more
give me another {dur}
give me {dur} more sleep
let me sleep {dur} more
let me sleep {dur} longer
let me sleep another {dur}
let me sleep in {for_dur}
{dur} more please
{dur} more
another {dur} please
just {dur} more
i want to sleep {dur} more
i'd like to sleep {dur} longer
i'd like {dur} more sleep
i need {dur} more
i need another {dur} of sleep
alarm snooze
alarm snooze {for_dur}
{adur} snooze
put the alarm on snooze
put the alarm on snooze {for_dur}
put off the alarm {for_dur}
postpone the alarm {for_dur}
delay the alarm {for_dur}
delay the alarm by {dur}
postpone my alarm by {dur}
push the alarm back {dur}
push back my alarm by {dur}
wake me again {in_dur}
wake me up again {in_dur}
ring again {in_dur}
would you mind snoozing the alarm
would you mind snoozing {for_dur}
can i snooze {for_dur}
can i get {dur} more
""",
)

CLOCK_STOP = family(
    "clock_stop",
    "action=stop",
    when=False,
    share=0.9,
    table="""
stop the timer -> device=timer
stop the {tname} timer -> device=timer
stop the timer for {the}{tname} -> device=timer
stop my timer -> device=timer
stop timer -> device=timer
end the timer -> device=timer
end the {tname} timer -> device=timer
make the timer stop -> device=timer
would you mind stopping the timer -> device=timer
the timer is ringing, stop it -> device=timer
stop the alarm -> device=alarm
stop my alarm -> device=alarm
stop alarm -> device=alarm
stop the alarm please -> device=alarm
stop that alarm -> device=alarm
end the alarm -> device=alarm
make the alarm stop -> device=alarm
would you mind stopping the alarm -> device=alarm
i'm awake, stop the alarm -> device=alarm
i'm up, stop the alarm -> device=alarm
""",
)

CLOCK_PAUSE = family(
    "clock_pause",
    "action=pause device=timer",
    when=False,
    share=0.8,
    table="""
pause the timer
pause my timer
pause timer
pause the {tname} timer
pause the timer for {the}{tname}
put the timer on hold
put the timer on pause
hold the timer
hold the {tname} timer
would you mind pausing the timer
i want the timer paused
i'd like to pause the {tname} timer
""",
)

CLOCK_RESUME = family(
    "clock_resume",
    "action=resume device=timer",
    when=False,
    share=0.8,
    table="""
resume the timer
resume my timer
resume timer
resume the {tname} timer
continue the timer
continue the {tname} timer
unpause the timer
unpause the {tname} timer
let the timer continue
carry on with the timer
would you mind resuming the timer
i want the timer to continue
""",
)

REMINDER = family(
    "reminder",
    "action=set device=reminder",
    when=False,
    share=2.4,
    table="""
remind me to {todo}
remind me to {todo}
remind me to {todo} {rwhen}
remind me to {todo} {rwhen}
remind me to {todo} {rwhen}
remind me {rwhen} to {todo}
remind me {rwhen} to {todo}
{rwhen} remind me to {todo}
remind us to {todo}
remind us to {todo} {rwhen}
remind me that i have to {todo} {rwhen}
remind me that i need to {todo}
remind me i need to {todo} {rwhen}
remind me i have to {todo}
remind me of {what}
remind me of {what} {rwhen}
remind me about {what}
remind me about {what} {rwhen}
remind me about {what} {rwhen}
remind me {rwhen} about {what}
remind me {rwhen} of {what}
{rwhen} remind me about {what}
remind us about {what} {rwhen}
set a reminder to {todo}
set a reminder to {todo} {rwhen}
set a reminder to {todo} {rwhen}
set a reminder {rwhen} to {todo}
set a reminder for {what}
set a reminder for {what} {rwhen}
set a reminder about {what}
set a reminder about {what} {rwhen}
set a reminder {rwhen} for {what}
set me a reminder to {todo} {rwhen}
set up a reminder to {todo} {rwhen}
set up a reminder for {what} {rwhen}
set reminder to {todo} {rwhen}
create a reminder to {todo}
create a reminder to {todo} {rwhen}
create a reminder for {what} {rwhen}
create a reminder about {what}
make a reminder to {todo} {rwhen}
make a reminder for {what}
make me a reminder to {todo}
add a reminder to {todo}
add a reminder to {todo} {rwhen}
add a reminder for {what} {rwhen}
add a reminder about {what}
put in a reminder to {todo} {rwhen}
put a reminder in to {todo}
schedule a reminder to {todo} {rwhen}
schedule a reminder for {what} {rwhen}
give me a reminder to {todo} {rwhen}
give me a reminder about {what} {rwhen}
reminder to {todo}
reminder to {todo} {rwhen}
reminder {rwhen} to {todo}
reminder for {what} {rwhen}
reminder about {what} {rwhen}
new reminder to {todo} {rwhen}
new reminder to {todo}
a reminder to {todo} {rwhen} please
don't let me forget to {todo}
don't let me forget to {todo} {rwhen}
don't let me forget {what}
don't let me forget about {what} {rwhen}
make sure i don't forget to {todo}
make sure i don't forget to {todo} {rwhen}
make sure i remember to {todo} {rwhen}
make sure to remind me to {todo}
make sure to remind me about {what} {rwhen}
help me remember to {todo}
help me remember to {todo} {rwhen}
help me remember {what}
tell me to {todo} {rwhen}
tell me {rwhen} to {todo}
i want to be reminded to {todo} {rwhen}
i want a reminder to {todo}
i want a reminder for {what} {rwhen}
i'd like a reminder to {todo} {rwhen}
i'd like a reminder about {what}
i'd like to be reminded to {todo}
i'd like to be reminded of {what} {rwhen}
i need a reminder to {todo} {rwhen}
i need a reminder for {what} {rwhen}
i need to be reminded to {todo}
i need to be reminded about {what} {rwhen}
i have to remember to {todo} {rwhen}
i must not forget to {todo}
i shouldn't forget to {todo} {rwhen}
let me know {rwhen} to {todo}
let me know {rwhen} that i have to {todo}
can i get a reminder to {todo} {rwhen}
can i have a reminder about {what} {rwhen}
would you mind reminding me to {todo}
would you mind reminding me to {todo} {rwhen}
would you mind reminding me about {what} {rwhen}
""",
)

FAMILIES = (TIMER, NAMED_TIMER, CANCEL, ALARM, SNOOZE, CLOCK_STOP, CLOCK_PAUSE, CLOCK_RESUME, REMINDER)
