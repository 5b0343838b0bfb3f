"""Who is who in a fleet: a private authority, one-time tokens, certificates, revocation, and the broker that obeys.

authority   the folder that holds all of it, made whole by `edgeslm fleet init`
pki         keys, certificates and revocation lists; the only file that imports cryptography
ledger      which tokens and certificates were given, which taken back
tokens      made and checked with a key of the authority
enrolment   the decisions: who gets a certificate
desk        enrolment over HTTPS
revocation  taking certificates back, and making the broker act on it
rights      who may write and read which leaf, as Mosquitto's ACL
mosquitto   the broker's configuration
"""
