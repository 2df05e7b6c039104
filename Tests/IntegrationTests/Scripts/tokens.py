"""Writes keys and tokens of PyJWT's into a directory: FILE.key, FILE.token; exits with 77 where PyJWT is not installed."""
import sys
import time

try:
    import jwt
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
except ImportError:
    sys.exit(77)

directory = sys.argv[1]
now = int(time.time())
claims = {"sub": "dév😀1", "iat": now, "exp": now + 600, "aud": "sluice", "roles": ["device"]}


def write(name, key, token):
    with open(f"{directory}/{name}.key", "wb") as file:
        file.write(key)
    with open(f"{directory}/{name}.token", "w") as file:
        file.write(token)


def public(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


secret = b"a secret of thirty-two bytes, or more"
write("hs256", secret + b"\n", jwt.encode(claims, secret, algorithm="HS256"))
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
write("rs256", public(key), jwt.encode(claims, key, algorithm="RS256", headers={"kid": "1"}))
curve = ec.generate_private_key(ec.SECP256R1())
write("es256", public(curve), jwt.encode(claims, curve, algorithm="ES256"))
write("none", public(curve), jwt.encode(claims, None, algorithm="none"))
write("other", public(curve), jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"))
big = ec.generate_private_key(ec.SECP384R1())
write("es384", public(big), jwt.encode(claims, big, algorithm="ES384"))
