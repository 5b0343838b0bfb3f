"""Who this device is: its key, which never leaves it, and the certificate that the operator gave it for that key.

enrolment  the workflow: token -> certificate, renewal, and both by hand
folder     the files; an identity is replaced whole or not at all
exchange   one HTTPS request to the operator's desk
openssl    keys and requests, made by the openssl program
"""
