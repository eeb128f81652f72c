from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher


class Pinned(PBKDF2PasswordHasher):
    iterations = settings.PASSWORD_ITERATIONS
