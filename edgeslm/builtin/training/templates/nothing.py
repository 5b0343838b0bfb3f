"""What a house has nothing to do about: half of it sounds like a command."""

from .family import family

ANY = (
    "light:8 lamp:4 fan:3 heater:2 air_conditioner:2 thermostat:2 tv:3 speaker:2 plug:1 camera:1 "
    "coffee_maker:2 oven:2 dishwasher:2 washing_machine:2 "
    "vacuum:2 blinds:2 curtains:2 window:2 shutters:1 garage_door:2 gate:1 sprinkler:1 kettle:1 dryer:1 "
    "router:1 computer:1 fireplace:1"
)

NEGATED = family(
    "negated",
    "action=none",
    share=2.4,
    when=False,
    table="""
don't {cmd}
don't {cmd}
do not {cmd}
do not {cmd}
please don't {cmd}
please do not {cmd}
don't you dare {cmd}
don't ever {cmd}
never {cmd}
don't {cmd} yet
please don't {cmd} yet
do not {cmd} yet
don't {cmd} now
don't {cmd} today
don't bother to {cmd}
no need to {cmd}
no need to {cmd} now
there's no need to {cmd}
there is no need to {cmd}
you don't need to {cmd}
you don't have to {cmd}
you needn't {cmd}
you shouldn't {cmd}
you must not {cmd}
you should never {cmd}
you can't {cmd}
i don't want you to {cmd}
i do not want you to {cmd}
i don't want to {cmd}
i didn't want you to {cmd}
i didn't ask you to {cmd}
i didn't tell you to {cmd}
i never asked you to {cmd}
i never said to {cmd}
i don't need you to {cmd}
we don't need to {cmd}
we don't have to {cmd}
let's not {cmd}
let's not {cmd} yet
it's not necessary to {cmd}
it isn't necessary to {cmd}
it's too early to {cmd}
it's not time to {cmd}
it's no use to {cmd}
i'd rather not {cmd}
i'd rather you didn't {cmd}
better not {cmd}
you'd better not {cmd}
i told you not to {cmd}
please never {cmd}
forget it, don't {cmd}
never mind, don't {cmd}
wait, don't {cmd}
stop, don't {cmd}
no, don't {cmd}
i changed my mind, don't {cmd}
{cmd}, just kidding
{cmd}, actually never mind
{cmd}, never mind
{cmd}, no forget it
{cmd}, or actually don't
""",
)

DONE_ALREADY = family(
    "done_already",
    "action=none",
    devices=ANY,
    share=1.1,
    when=False,
    table="""
i already turned on {t}
i already turned off {t}
i already switched {t} off
i just turned {t} on
i just switched off {t}
i've already turned off {t}
i have already switched on {t}
i turned off {t} myself
i turned on {t} an hour ago
i turned {t} off this morning
i closed {t} already
i already closed {t}
i opened {t} myself
i just opened {t}
we already turned off {t}
we turned {t} on yesterday
she already turned off {t}
he turned on {t} yesterday
my wife turned off {t}
my husband already switched on {t}
my son turned {t} off
the kids turned on {t}
somebody already turned off {t}
i'll turn on {t} myself
i'll turn off {t} later myself
i will close {t} myself
i can turn off {t} myself
i'll do {t} myself
leave {t} as {it} {is}
leave {t} alone
let {t} be
don't touch {t}
please don't touch {t}
don't change anything about {t}
keep {t} the way {it} {is}
{t} {is} fine
{t} {is} fine as {it} {is}
{t} {is} okay the way {it} {is}
{t} {is} already on
{t} {is} already off
{t} {is} perfect like that
{t} can stay as {it} {is}
{t} can stay on
no need to touch {t}
no changes to {t}
there's nothing wrong with {t}
thanks for turning on {t}
thank you for turning off {t}
thanks for closing {t}
good job with {t}
""",
)

ABOUT_DEVICES = family(
    "about_devices",
    "action=none",
    devices=ANY,
    share=1.3,
    when=False,
    table="""
i like {t}
i love {t}
i really like {t}
i hate {t}
i bought {t} last week
i want to buy a new {d}
i'd like to buy a {d}
i need a new {d}
we need a new {d}
we should get a new {d}
should i buy a new {d}
should i get a bigger {d}
where can i buy a {d}
where did you buy {t}
what's the best {d}
what's the best {d} to buy
which {d} is the best
which {d} should i buy
how much does a {d} cost
how much is a new {d}
what does a new {d} cost
how do i clean {t}
how do i fix {t}
how do i repair {t}
how do i install a {d}
how do i use {t}
how does a {d} work
how does {t} work
how do you clean a {d}
how old is {t}
how heavy is a {d}
how long does a {d} last
who invented the {d}
who made {t}
who installed {t}
who bought {t}
when was the {d} invented
when did we buy {t}
when did i buy {t}
what is a {d}
what's a {d}
what color is the {d} in the shop
what brand is {t}
why do people use a {d}
why is a {d} so expensive
is a {d} expensive
is {t} expensive to run
is it safe to use a {d}
is it worth buying a {d}
tell me about the history of the {d}
tell me how a {d} works
tell me how to clean {t}
explain how a {d} works
{t} {is} broken
{t} {is} nice
{t} {is} beautiful
{t} {is} really old
{t} {is} brand new
{t} {is} so pretty
{t} {is} very expensive
{t} broke last week
{t} needs to be repaired
{t} makes a funny noise
{t} looks great
my friend has a {d}
my neighbor has the same {d}
my neighbor bought a new {d}
my sister wants a {d}
my mother loves her {d}
the neighbors have a new {d}
i dreamed about a {d}
i saw a {d} at the store
i'm thinking about getting a new {d}
i'm cleaning {t}
i'm fixing {t} today
i need to clean {t}
i have to fix {t}
we painted the wall next to {t}
do you like {t}
do you like the new {d}
do you think {t} {is} pretty
draw a picture of a {d}
write a poem about a {d}
spell {d}
translate {d} into french
how do you say {d} in spanish
what rhymes with {d}
order a new {d}
buy a {d}
sell {t}
paint {t}
clean {t} with a cloth
throw away {t}
move {t} to the other wall
fix {t}
repair {t}
replace {t}
dust {t}
""",
)

IMPOSSIBLE = family(
    "impossible",
    "action=none",
    share=2.0,
    when=False,
    table="""
turn on the {nothing}
turn off the {nothing}
turn the {nothing} on
switch on the {nothing}
switch the {nothing} off
start the {nothing}
stop the {nothing}
open the {nothing}
open my {nothing}
close the {nothing}
close my {nothing}
lock the {nothing}
unlock the {nothing}
set the {nothing} to {npct}
set the {nothing} to {color}
turn up the {nothing}
turn down the {nothing}
dim the {nothing}
pause the {nothing}
run the {nothing}
boil the {nothing}
show me the {nothing}
is the {nothing} on
is the {nothing} open
bring me the {nothing}
wash the {nothing}
order {nothing}
fold the {nothing}
drive the {nothing} to work
start the {nothing} {in}
turn on the {nothing} {in}
open the {nothing} {in}
turn the {nothing} {color}
the {nothing} to {npct}
{nothing} on
{nothing} off
turn the page
turn left
turn right at the corner
turn around
turn over a new leaf
turn the other cheek
turn it into a story
turn water into wine
turn lead into gold
open a bank account
open the book on page ten
open a new restaurant
open your mind
open your mouth
open the bottle
open the box
close your eyes
close the deal
close the book
close the case
set the table
set the table for dinner
set a good example
set sail
set the record straight
set a new world record
play chess with me
play football with the kids
play a trick on my brother
play fair
play outside
play hide and seek
start a business
start a family
start a fire
start a new life
start walking
start running every day
stop smoking
stop lying to me
stop talking
stop it
stop being silly
lock eyes with me
lock him up
unlock your potential
unlock my phone
unlock the car
lock the car
show me your face
show me a picture of a cat
show me a good recipe
show me the way home
show some respect
dim sum please
light a candle
light the candles
light my cigarette
heat up the soup
heat the leftovers
cool it
cool
raise your hand
raise the question
raise my salary
lower your expectations
drop it
drop the attitude
drop me a line
increase my salary
increase my credit limit
decrease the taxes
reduce my debt
mute the neighbors
arm wrestle me
dock the boat
dock his pay
park the car
charge my phone
call my mom
call the police
call a taxi
call me later
text my sister that i'm late
send an email to my boss
send a message to john
send flowers to my mother
order a pizza
order some groceries
book a table for two
book a flight to rome
buy milk
buy more coffee beans
add milk to the shopping list
add eggs to my shopping list
pay the bills
post this on facebook
take a picture
take a selfie
take a note
take the dog for a walk
walk the dog
feed the cat
feed the dog
feed the fish
clean my shoes
make me a sandwich
make dinner
make the bed
make my bed
make me laugh
make me happy
make a wish
cook dinner
cook some pasta
bake me a cake
bake a pizza for me
do my homework
do the ironing
iron my shirt
fold the laundry
mow the lawn
cut the grass
shovel the snow
take out the trash
change the baby's diaper
rock the baby
pour me a glass of wine
give me a hug
give me money
give me a kiss
bring me a beer
bring me my slippers
fetch the newspaper
find my keys
find my phone
where are my keys
where did i put my glasses
fly me to the moon
beam me up
launch the rocket
launch the missiles
fire the lasers
self destruct
teleport me to work
read me a book
read the news
write a letter
print this document
download the file
restart my phone
update the software
install the app
empty the trash
empty the dishwasher
unload the dishwasher
load the dishwasher
fill the bathtub
run a bath
run a marathon
run away
run to the store
flush the toilet
answer the phone
hang up
open netflix account
search the web for recipes
google the nearest pharmacy
navigate to work
navigate home
""",
)

TALK = family(
    "talk",
    "action=none",
    share=1.5,
    when=False,
    table="""
hello
hi
hey
hi there
hello there
hello house
good morning
good morning to you
good evening
good afternoon
good night
good night everyone
goodbye
bye
bye bye
see you later
see you tomorrow
how are you
how are you today
how are you doing
how do you do
how's it going
what's up
what's new
what are you doing
who are you
what are you
what's your name
what can you do
what do you think
how old are you
where are you from
do you love me
do you like music
do you sleep
do you dream
are you there
are you awake
are you listening
are you human
are you a robot
are you happy
can you hear me
can you help me
can you sing
can you speak french
can you understand me
thanks
thank you
thanks a lot
thank you so much
thanks, that's great
thanks for your help
many thanks
you're welcome
well done
good job
good job today
great
great work
nice
nice one
perfect
awesome
wonderful
that's it
that's all
that's all for now
that's fine
that's good
that's perfect
that's enough
okay
ok
alright
sure
yes
yes please
no
no thanks
no thank you
nope
maybe
maybe later
never mind
nevermind
forget it
forget about it
nothing
nothing for now
wait
wait a minute
hold on
one moment
hang on a second
sorry
i'm sorry
excuse me
pardon
oops
wow
haha
lol
hmm
um
uh
what
what did you say
say that again
can you repeat that
i didn't get that
i don't understand
i don't know
i'm not sure
i see
really
seriously
are you serious
are you kidding
shut up
be quiet
leave me alone
you are funny
you're the best
you are so smart
you're not very helpful
i love you
i hate you
i like you
i miss you
tell me a joke
tell me another joke
tell me a story
tell me a bedtime story
tell me a fun fact
tell me something interesting
tell me a riddle
make a joke
sing a song
sing me a song
sing happy birthday
say hello
say something
say something nice
say cheese
knock knock
flip a coin
roll the dice
roll a die
pick a number
guess what
happy birthday
merry christmas
happy new year
congratulations
cheers
bless you
i'm home
i'm back
i'm leaving
i'm bored
i'm tired
i'm so tired
i'm happy
i'm sad
i'm hungry
i'm thirsty
i'm sick
i'm busy
i'm late
i'm ready
i'm fine
i'm in the {room}
i'm going to the {room}
i'm going to bed
i'm going out
i'm going to work
i have a headache
i have a cold
i have a meeting {at}
i had such a long day
i had a great day
i had a bad day at work
i had pizza for lunch
i slept badly
i slept really well
i lost my keys
i forgot my wallet
i forgot what i wanted to say
i was in the {room}
i left my book in the {room}
i live in a big house
i work in the {room}
i'm reading a book in the {room}
i'm cooking in the {room}
we're having guests
we're having dinner in the {room}
we are moving next month
we had dinner in the {room}
we went to the movies yesterday
my dog is in the {room}
my brother is visiting {day}
my mother called
my back hurts
my sister had a baby
my favorite color is {color}
my car is {color}
my shirt is {color}
the cat is in the {room}
the cat is sleeping {in}
the kids are playing {in}
the kids are in the {room}
the baby is sleeping
the baby is asleep {in}
the {room} is my favorite room
the {room} is a mess
the {room} is big
the {room} looks nice
the {room} needs a new carpet
the weather is nice today
it's raining
it's raining outside
it's snowing
it's sunny today
it's a beautiful day
it's late
it's monday
it's my birthday
it's been a long week
dinner was great
dinner is ready
lunch is at noon
that was fun
that was a good movie
this is fun
this is boring
life is good
what a day
what a nice day
what a beautiful {room}
let's go
let's eat
let's go for a walk
let's talk
let's paint the {room} {color}
let's have dinner
we should paint the {room} {color}
i want to paint the {room} {color}
i'd like a {color} car
i want a {color} dress
roses are {color}
the sky is {color}
is {color} a nice color
do you like {color}
i want pizza
i want to go home
i want to sleep
i want to go to {place}
i need a hug
i need a vacation
i need a new job
i need help with my homework
i like {song}
i love {song}
i hate {song}
i saw {song} at the cinema
i heard {song} on the radio
{song} is my favorite song
{song} is a great movie
who wrote {song}
who sings {song}
who directed {song}
when was {song} released
when did {song} come out
how long is {song}
what is {song} about
do you know {song}
do you like {song}
have you heard {song}
have you seen {song}
is {song} any good
""",
)

WORLD = family(
    "world",
    "action=none",
    share=1.3,
    when=False,
    table="""
what's the capital of {place}
what is the capital of {place}
what's the population of {place}
how many people live in {place}
how far is it to {place}
how far is {place} from here
where is {place}
what's the weather like
what's the weather today
what's the weather like in {place}
what's the weather {day}
what's the weather going to be like {day}
how's the weather in {place}
how's the weather
how warm is it in {place}
how cold does it get in {place}
what's the temperature in {place}
will it rain {day}
will it rain today
will it snow {day}
is it going to rain
do i need an umbrella
do i need a jacket today
what time is it
what time is it in {place}
what's the time
what day is it
what day is it today
what's today's date
what's the date {day}
what year is it
when is christmas
when is easter
when is my birthday
when does the sun set
when is sunset
when is sunrise
what time does the sun rise
what time does the store close
what time does the pharmacy open
is the store open
is the bank open {day}
is the supermarket open now
is the library in town open
who is the president of {place}
who won the game
who won the football last night
who won the world cup
who won the election
who wrote hamlet
who painted the mona lisa
who discovered america
who invented the telephone
who is the richest man in the world
who was the first man on the moon
what's the tallest mountain
what's the longest river
what's the biggest animal
what's the fastest car
what's the meaning of life
what's the speed of light
what's the square root of {n}
what's {n} plus {n}
what is {n} times {n}
what's {n} minus {n}
what's {n} divided by {n}
how much is {n} times {n}
how much is {n} euros in dollars
how many ounces in a pound
how many feet in a mile
how many grams in an ounce
how many cups in a liter
how many days until christmas
how many planets are there
how many hours are in a week
how many minutes in a day
how many legs does a spider have
how tall is the eiffel tower
how deep is the ocean
how old is the universe
how big is the sun
how hot is the sun
how far away is the moon
how do birds fly
how do planes fly
how do i boil an egg
how do i cook rice
how do i make pancakes
how do i tie a tie
how do i get to the airport
how do i lose weight
how long do i cook pasta
how long does it take to boil an egg
how long is a marathon
how long is the flight to {place}
why is the sky blue
why do cats purr
why do we dream
why is the sea salty
what's the recipe for pancakes
what should i cook tonight
what should i wear today
what should i eat
what's for dinner
what's on the menu
what's in the news
what's the news
what's the latest news
what happened today
what's the score
what's the stock price of apple
what's the price of gold
what's the exchange rate
what's on my calendar
what's on my shopping list
what's my next meeting
when is my next appointment
when is my next meeting
do i have any meetings {day}
do i have any new emails
did anyone call
did i get any mail
how's the traffic
how's the traffic to work
how long is my commute
is there traffic on the highway
when does the next bus leave
when is the next train to {place}
is my flight on time
find a restaurant near me
find a hotel in {place}
find me a good recipe
book a hotel in {place}
is there life on mars
is santa real
is it a holiday {day}
is chocolate bad for dogs
are bananas berries
are tomatoes fruit
can dogs eat cheese
can you recommend a movie
can you recommend a book
can you teach me german
does {place} have an airport
define happiness
define entropy
spell necessary
translate hello into spanish
translate good morning into french
how do you say thank you in german
how do you say cat in italian
convert {n} miles to kilometers
convert {n} pounds to kilos
tell me about {place}
tell me about dinosaurs
tell me the news
tell me the time
tell me the date
tell me the score
explain gravity
explain quantum physics
give me a recipe for lasagna
give me a synonym for happy
recommend a good book
what is love
what is artificial intelligence
what is photosynthesis
what are black holes made of
what do pandas eat
what does the fox say
which planet is the biggest
which country won the cup
which way is north
""",
)

GIBBERISH = family(
    "gibberish",
    "action=none",
    share=2.2,
    when=False,
    table="""
{noise}
{noise} {noise}
{noise} {noise} {noise}
{noise} {noise} {noise} {noise}
{keys}
{keys} {keys}
{keys} {keys} {keys}
{word}
{word} {word}
{word} {word} {word}
{word} {word} {word} {word}
the {word} {word}
a {word} of {word}
{word} and {word}
{n}
{n} {n} {n}
{noise} the {noise}
test
testing
test test
testing one two three
one two three
abc
blah blah blah
la la la
""",
)

FRAGMENTS = family(
    "fragments",
    "action=none",
    share=1.2,
    when=False,
    devices=ANY,
    table="""
in the {room}
the {room}
{room}
in the {room} please
turn
turn the
turn on the
switch
set
set the
set it
set to
open
open the
close the
please
the one
the other one
that one
make it
make the
i want
i'd like
can you
could you
could you please
on the
and then
or the
if you
when i
because
maybe the
""",
)

FAMILIES = (NEGATED, DONE_ALREADY, ABOUT_DEVICES, IMPOSSIBLE, TALK, WORLD, GIBBERISH, FRAGMENTS)
