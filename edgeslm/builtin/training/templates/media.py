"""Music and pictures: what plays, how loud, and where in the queue."""

from .family import family

PLAYERS = "speaker:6 tv:4"
SCREENS = "tv:8 projector:2"

PLAY = family(
    "play",
    "action=play device=speaker",
    share=1.9,
    table="""
play {song}
play {song}
play {song}
play me {song}
play us {song}
play some {song}
play {song} for me
play {song} for us
play {song} now
play {song} {in}
play {song} {in}
play some {song} {in}
play me some {song}
play the song {song}
play the song {song} {in}
play the album {song}
play the track {song}
play music by {song}
play something by {song}
play songs by {song}
play the playlist {song}
play {song} on {sp}
play {song} on {sp}
play some {song} on {sp}
play {song} over {sp}
play {song} through {sp}
{in} play {song}
{in} play some {song}
on {sp} play {song}
put on {song}
put {song} on
put on some {song}
put on some {song} {in}
put on {song} {in}
put some {song} on {in}
put {song} on {sp}
start {song} on {sp}
start playing {song}
start playing {song} {in}
start playing some {song}
begin playing {song}
stream {song}
stream {song} {in}
stream {song} on {sp}
queue {song}
queue up {song}
queue up {song} on {sp}
listen to {song}
let me hear {song}
let me hear some {song}
let me hear {song} {in}
let me listen to {song}
let's hear {song}
let's hear some {song}
let's hear {song} {in}
let's listen to {song}
let's listen to {song} {in}
let's have some {song}
let's have some {song} {in}
let's play {song}
i want to hear {song}
i want to hear {song} {in}
i want to listen to {song}
i want to listen to {song} {in}
i wanna hear {song}
i wanna listen to {song}
i'd like to hear {song}
i'd like to hear some {song}
i'd like to listen to {song}
i'd like to listen to {song} {in}
i would like to hear {song} {in}
i would like you to play {song}
i'd love to hear {song}
i'm in the mood for {song}
i'm in the mood for some {song}
i feel like listening to {song}
i feel like hearing some {song}
i need to hear {song}
i need some {song}
can i hear {song}
can i hear some {song}
can i listen to {song}
can we listen to {song}
can we hear some {song} {in}
can we have some {song}
could i hear {song} {in}
could we hear {song}
would you mind playing {song}
would you mind playing some {song} {in}
would you mind putting on {song}
do you mind playing {song}
how about some {song}
how about playing {song}
what about some {song}
give me some {song}
give me some {song} {in}
give us some {song}
get {song} playing
get some {song} going {in}
have {song} playing {in}
have some {song} playing {in}
{song} on {sp}
{song} on {sp} please
time for some {song}
find {song} and play it
look up {song} and play it
""",
)

WATCH = family(
    "watch",
    "action=play device=tv",
    share=1.1,
    table="""
play {song} on {tv}
play {song} on {tv}
play the movie {song} on {tv}
play the show {song} on {tv}
play the next bit of {song} on {tv}
put {song} on {tv}
put on {song} on {tv}
put {song} up on {tv}
start {song} on {tv}
start playing {song} on {tv}
start the movie {song} on {tv}
stream {song} on {tv}
stream {song} to {tv}
show {song} on {tv}
watch {song} on {tv}
let's watch {song} on {tv}
i want to watch {song} on {tv}
i'd like to watch {song} on {tv}
i wanna watch {song} on {tv}
can we watch {song} on {tv}
can i watch {song} on {tv}
would you mind putting {song} on {tv}
would you mind playing {song} on {tv}
on {tv} play {song}
on {tv} put on {song}
{song} on {tv}
i want {song} on {tv}
i'd like {song} on {tv}
let me watch {song} on {tv}
get {song} on {tv}
queue up {song} on {tv}
have {song} on {tv}
""",
)

PLAY_ANY = family(
    "play_any",
    "action=play device=speaker",
    share=0.8,
    table="""
play music
play some music
play music {in}
play some music {in}
play me some music
play something
play something {in}
play a song
play a song {in}
play some tunes
play some tunes {in}
play music on {sp}
play something on {sp}
put on some music
put on some music {in}
put some music on
put music on {in}
put on a song
start the music
start the music {in}
start some music {in}
start playing music
start playing music {in}
i want to hear music
i want to hear some music {in}
i'd like some music
i'd like some music {in}
i'd like to listen to music {in}
i want music {in}
let's have some music
let's have some music {in}
let's hear some music {in}
let's listen to some music
can we have some music {in}
can i have some music
would you mind playing some music
would you mind putting some music on {in}
music {in}
music {in} please
music please
music on {in}
some music please
how about some music
give me some music {in}
get some music going {in}
""",
)

VOLUME = family(
    "volume",
    "action=set property=volume device=speaker",
    devices=PLAYERS,
    share=1.2,
    table="""
set the volume to {vol}
set volume to {vol}
set the volume at {vol}
set the volume {in} to {vol}
set the volume to {vol} {in}
set the volume of {t} to {vol}
set the volume on {t} to {vol}
set {t} volume to {vol}
set {t} volume at {vol}
put the volume at {vol}
put the volume on {vol}
put the volume of {t} at {vol}
put {t} volume to {vol}
turn the volume to {vol}
turn the volume up to {vol}
turn the volume down to {vol}
turn up the volume to {vol}
turn down the volume to {vol}
turn the volume of {t} up to {vol}
turn the volume of {t} down to {vol}
turn {t} volume down to {vol}
turn {t} up to {vol}
turn {t} down to {vol}
bring the volume to {vol}
bring the volume of {t} down to {vol}
change the volume to {vol}
change the volume of {t} to {vol}
adjust the volume to {vol}
adjust {t} volume to {vol}
lower the volume to {vol}
lower the volume of {t} to {vol}
raise the volume to {vol}
raise the volume of {t} to {vol}
increase the volume to {vol}
reduce the volume of {t} to {vol}
volume to {vol}
volume at {vol}
volume {vol}
volume {vol} on {t}
volume to {vol} on {t}
volume at {vol} {in}
{t} volume {vol}
{t} volume to {vol}
{t} volume at {vol}
{t} at {vol} volume
{vol} volume on {t}
i want the volume at {vol}
i want {t} volume at {vol}
i'd like the volume at {vol}
i'd like the volume of {t} at {vol}
would you mind setting the volume to {vol}
would you mind setting {t} volume to {vol}
let's have the volume at {vol}
can i have the volume at {vol} {in}
keep the volume at {vol}
music at {vol} volume
set the music volume to {vol}
set the music to {vol} {in}
turn the music down to {vol}
turn the music up to {vol} {in}
""",
)

LOUDER = family(
    "louder",
    "action=increase property=volume device=speaker",
    devices=PLAYERS,
    table="""
turn it up
turn it up [{abit}]
turn it up {in}
turn up the volume
turn up the volume {in}
turn the volume up
turn the volume up [{abit}]
turn the volume up {in}
turn the volume up by {dvol}
turn the volume up {dvol}
turn up the volume by {dvol}
turn up the volume of {t}
turn up the volume on {t}
turn up the volume on {t} by {dvol}
turn the volume of {t} up [{abit}]
turn {t} volume up
turn {t} volume up by {dvol}
turn {t} up
turn {t} up [{abit}]
turn up {t}
turn up the music
turn up the music {in}
turn the music up
turn the music up [{abit}] {in}
turn the sound up {in}
volume up
volume up {in}
volume up [{abit}]
volume up by {dvol}
volume up on {t}
{t} volume up
{t} volume up by {dvol}
{t} louder
{t} [{abit}] louder
louder
louder please
louder {in}
[{abit}] louder
[{abit}] louder {in}
make it louder
make it [{abit}] louder {in}
make {t} louder
make {t} [{abit}] louder
make the music louder {in}
increase the volume
increase the volume {in}
increase the volume by {dvol}
increase the volume of {t}
increase the volume on {t} by {dvol}
increase {t} volume by {dvol}
raise the volume
raise the volume {in}
raise the volume by {dvol}
raise the volume of {t}
boost the volume
boost the volume of {t}
bring the volume up [{abit}]
bump up the volume {in}
bump the volume up by {dvol}
crank it up
crank up the volume
crank up the music {in}
crank {t} up
pump up the volume
i want it louder {in}
i want {t} louder
i'd like it [{abit}] louder
i'd like {t} [{abit}] louder
let's have it louder
would you mind turning up the volume
would you mind turning {t} up [{abit}]
would you mind turning it up
i can't hear {t}
i can't hear the music {inq}
i can hardly hear {t}
it's too quiet {inq}
{t} {is} too quiet
{t} {is} not loud enough
the music is too quiet {inq}
the music isn't loud enough {inq}
the volume is too low {inq}
more volume {in}
more volume on {t}
""",
)

QUIETER = family(
    "quieter",
    "action=decrease property=volume device=speaker",
    devices=PLAYERS,
    table="""
turn it down
turn it down [{abit}]
turn it down {in}
turn down the volume
turn down the volume {in}
turn the volume down
turn the volume down [{abit}]
turn the volume down {in}
turn the volume down by {dvol}
turn the volume down {dvol}
turn down the volume by {dvol}
turn down the volume of {t}
turn down the volume on {t}
turn down the volume on {t} by {dvol}
turn the volume of {t} down [{abit}]
turn {t} volume down
turn {t} volume down by {dvol}
turn {t} down
turn {t} down [{abit}]
turn down {t}
turn down the music
turn down the music {in}
turn the music down
turn the music down [{abit}] {in}
turn the sound down {in}
volume down
volume down {in}
volume down [{abit}]
volume down by {dvol}
volume down on {t}
{t} volume down
{t} volume down by {dvol}
{t} quieter
{t} [{abit}] quieter
quieter
quieter please
quieter {in}
[{abit}] quieter
softer {in}
make it quieter
make it [{abit}] quieter {in}
make it softer
make {t} quieter
make {t} [{abit}] less loud
make the music quieter {in}
make the music softer
decrease the volume
decrease the volume {in}
decrease the volume by {dvol}
decrease the volume of {t}
decrease the volume on {t} by {dvol}
decrease {t} volume by {dvol}
lower the volume
lower the volume {in}
lower the volume by {dvol}
lower the volume of {t}
lower {t} volume
lower the music {in}
reduce the volume
reduce the volume of {t}
reduce the volume by {dvol}
bring the volume down [{abit}]
drop the volume {in}
drop the volume by {dvol}
take the volume down [{abit}]
i want it quieter {in}
i want {t} quieter
i'd like it [{abit}] quieter
i'd like {t} [{abit}] quieter
let's have it quieter
would you mind turning down the volume
would you mind turning {t} down [{abit}]
would you mind turning it down
it's too loud {inq}
{t} {is} too loud
{t} {is} way too loud
{t} {is} so loud
the music is too loud {inq}
the music is hurting my ears {inq}
the volume is too high {inq}
less volume {in}
less volume on {t}
keep it down {in}
""",
)

MUTE = family(
    "mute",
    "action=mute device=speaker",
    devices="speaker:4 tv:6 doorbell:1 computer:0.5",
    share=0.9,
    table="""
mute
mute {t}
mute {t}
mute {t} now
mute the sound
mute the sound {in}
mute the sound on {t}
mute the sound of {t}
mute the music {in}
mute the volume on {t}
put {t} on mute
put the sound on mute {in}
set {t} to mute
set {t} on mute
turn the sound off on {t}
turn off the sound {in}
turn off the sound of {t}
switch off the sound on {t}
cut the sound on {t}
kill the sound on {t}
silence {t}
silence {t} please
silence the music {in}
hush {t}
make {t} silent
make {t} mute
no sound on {t}
no sound {in}
{t} mute
{t} on mute
{t} muted
i want {t} muted
i'd like {t} muted
i'd like {t} on mute
i need {t} muted
let's mute {t}
would you mind muting {t}
do you mind muting {t}
would you mind putting {t} on mute
have {t} muted
keep {t} muted
can {t} be muted
""",
)

UNMUTE = family(
    "unmute",
    "action=unmute device=speaker",
    devices="speaker:4 tv:6 doorbell:1",
    share=0.9,
    table="""
unmute
unmute {t}
unmute {t}
unmute {t} now
unmute the sound
unmute the sound {in}
unmute the sound on {t}
unmute the music {in}
take {t} off mute
take the sound off mute {in}
turn the sound back on
turn the sound back on {in}
turn the sound on {t} back on
turn the sound on again {in}
turn on the sound of {t}
switch the sound of {t} back on
bring back the sound {in}
bring back the sound of {t}
bring the sound back on {t}
restore the sound on {t}
give {t} its sound back
give me the sound back on {t}
{t} unmute
{t} unmuted
{t} off mute
{t} sound back on
sound back on {in}
i want {t} unmuted
i'd like {t} unmuted
i need {t} unmuted
i'd like the sound back on {t}
let's unmute {t}
would you mind unmuting {t}
would you mind taking {t} off mute
do you mind unmuting {t}
have {t} unmuted
can {t} be unmuted
""",
)

MEDIA_STOP = family(
    "media_stop",
    "action=stop device=speaker",
    devices=PLAYERS,
    table="""
stop the music
stop the music {in}
stop the song
stop the song {in}
stop playing
stop playing music
stop playing music {in}
stop playing {in}
stop playback
stop playback on {t}
stop playing on {t}
stop {t}
stop the music on {t}
stop the movie on {t} -> device=tv
stop the movie -> device=tv
stop the show -> device=tv
end the music {in}
end playback on {t}
no more music {in}
no more music please
that's enough music {in}
enough music {in}
cut the music {in}
quit playing music
i don't want music anymore {inq}
i want the music to stop {in}
i'd like the music to stop
i'd like the music stopped {in}
make the music stop
would you mind stopping the music
would you mind stopping the music {in}
let's stop the music
""",
    share=0.9,
)

MEDIA_PAUSE = family(
    "media_pause",
    "action=pause device=speaker",
    devices=PLAYERS,
    share=0.9,
    table="""
pause
pause the music
pause the music {in}
pause the song
pause the song {in}
pause the track
pause playback
pause playback on {t}
pause playback {in}
pause {t}
pause {t}
pause the music on {t}
pause it {in}
pause the movie -> device=tv
pause the movie {in} -> device=tv
pause the movie on {t} -> device=tv
pause the film -> device=tv
pause the show -> device=tv
pause the show on {t} -> device=tv
put the music on pause
put the music on hold {in}
put the movie on pause -> device=tv
put {t} on pause
hold the music {in}
hold the song
freeze the movie -> device=tv
stop the music for a second
stop the music for a moment {in}
suspend the music {in}
{t} pause
{t} on pause
music on pause {in}
i want the music paused
i'd like the music paused {in}
i'd like to pause the movie -> device=tv
i need to pause the music
let's pause the music
let's pause the movie -> device=tv
would you mind pausing the music
would you mind pausing the music {in}
would you mind pausing the movie -> device=tv
would you mind pausing {t}
""",
)

MEDIA_RESUME = family(
    "media_resume",
    "action=resume device=speaker",
    devices=PLAYERS,
    share=0.9,
    table="""
resume
resume the music
resume the music {in}
resume the song
resume playback
resume playback on {t}
resume playing
resume playing {in}
resume {t}
resume the music on {t}
resume the movie -> device=tv
resume the movie {in} -> device=tv
resume the show on {t} -> device=tv
resume the film -> device=tv
continue
continue the music
continue the music {in}
continue playing
continue playing {in}
continue playing music
continue the song
continue the movie -> device=tv
continue the show -> device=tv
continue watching on {t} -> device=tv
continue playback on {t}
unpause
unpause the music
unpause the music {in}
unpause {t}
unpause the movie -> device=tv
carry on playing {in}
carry on with the music {in}
carry on with the movie -> device=tv
keep playing
keep playing the music {in}
go on playing
play on
get the music going again {in}
start the music again {in}
i want to resume the music
i'd like the music to continue {in}
i'd like to continue the movie -> device=tv
let the music continue {in}
let's continue the movie -> device=tv
let's resume the music
would you mind resuming the music
would you mind resuming the music {in}
would you mind continuing the movie -> device=tv
take the music off pause
""",
)

NEXT = family(
    "next",
    "action=next device=speaker",
    devices=PLAYERS,
    share=0.9,
    table="""
next
next song
next song please
next song {in}
next track
next track {in}
next track on {t}
next one please
next one {in}
play the next song
play the next song {in}
play the next track
play the next track on {t}
play the next one
skip
skip this
skip this song
skip this song {in}
skip the song
skip this track
skip this track on {t}
skip the current song
skip this one
skip it
skip to the next song
skip to the next track {in}
skip ahead
skip forward {in}
go to the next song
go to the next track {in}
go to the next one
move on to the next song
move to the next track
jump to the next song {in}
jump to the next track on {t}
switch to the next song
change the song
change the song {in}
change the track
i don't like this song
i don't like this song, next
i hate this song
i'm tired of this song
i want the next song
i'd like the next track
i'd like to hear the next song
let's hear the next song
would you mind skipping this song
would you mind skipping to the next track {in}
next episode -> device=tv
play the next episode -> device=tv
next episode on {t} -> device=tv
skip to the next episode -> device=tv
go to the next episode on {t} -> device=tv
next channel -> device=tv
go to the next channel -> device=tv
{t} next song
""",
)

PREVIOUS = family(
    "previous",
    "action=previous device=speaker",
    devices=PLAYERS,
    share=0.9,
    table="""
previous
previous song
previous song please
previous song {in}
previous track
previous track {in}
previous track on {t}
last song
last song again
play the previous song
play the previous song {in}
play the previous track
play the previous track on {t}
play the last song again
play the last song again {in}
play that last song again
play the song before
play the one before
go back
go back a song
go back one song
go back one track {in}
go back to the previous song
go back to the last song
go back to the previous track on {t}
go to the previous song
go to the previous track {in}
return to the previous song
return to the last track
jump back to the previous song
jump back a track {in}
skip back
skip back a song
skip back {in}
skip back one track on {t}
skip to the previous song
back one song
back to the last track
one song back
one track back {in}
i want the previous song
i'd like the previous track
i want to hear the last song again
i'd like to hear the previous song {in}
let's hear the last song again
would you mind going back a song
would you mind playing the previous track {in}
previous episode -> device=tv
play the previous episode -> device=tv
go back to the previous episode on {t} -> device=tv
go back an episode -> device=tv
previous channel -> device=tv
go back to the previous channel -> device=tv
{t} previous song
""",
)

CHANNEL = family(
    "channel",
    "action=set property=channel device=tv",
    devices="tv",
    share=0.9,
    table="""
set {t} to channel {n}
set the channel to {n}
set the channel to {n} on {t}
set channel {n}
set channel {n} on {t}
set the channel of {t} to {n}
put {t} on channel {n}
put channel {n} on
put channel {n} on {t}
put on channel {n}
put on channel {n} {in}
switch {t} to channel {n}
switch to channel {n}
switch to channel {n} on {t}
switch the channel to {n}
switch over to channel {n}
turn {t} to channel {n}
turn to channel {n}
turn on channel {n}
turn on channel {n} on {t}
change {t} to channel {n}
change the channel to {n}
change the channel to {n} on {t}
change to channel {n}
change channel to {n}
change the channel on {t} to {n}
go to channel {n}
go to channel {n} on {t}
jump to channel {n}
tune to channel {n}
tune {t} to channel {n}
flip to channel {n}
show channel {n}
show channel {n} on {t}
show me channel {n}
watch channel {n}
let me watch channel {n}
let's watch channel {n}
let's watch channel {n} {in}
i want to watch channel {n}
i'd like to watch channel {n} on {t}
i'd like channel {n}
i want channel {n} on {t}
can i get channel {n}
can we watch channel {n}
would you mind switching to channel {n}
would you mind putting on channel {n}
channel {n}
channel {n} please
channel {n} on {t}
{t} channel {n}
{t} to channel {n}
{t} on channel {n}
""",
)

FAMILIES = (
    PLAY,
    WATCH,
    PLAY_ANY,
    VOLUME,
    LOUDER,
    QUIETER,
    MUTE,
    UNMUTE,
    MEDIA_STOP,
    MEDIA_PAUSE,
    MEDIA_RESUME,
    NEXT,
    PREVIOUS,
    CHANNEL,
)
