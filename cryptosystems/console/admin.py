"""What others registered and the console does not show, because it holds or guards secrets."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group

# Authenticators hold secrets. Addresses and sessions stand on the person's own page, where what
# is done to them has a reason. Groups are roles, and the code says what those may.
for _model in (Authenticator, EmailAddress, Group, UserSession):
    admin.site.unregister(_model)
