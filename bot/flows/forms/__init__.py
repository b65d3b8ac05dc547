"""From a list of failures to a request in two steps of one modal: on which devices, and which of their patches?

A form's data is kept in the database (``kept``) behind the token that the modal carries. Everything that may take long
is fetched behind a view that says so (``showing``), and whatever fails is told in the modal.
"""

from bot.flows.forms import devices, kept, patches
from bot.flows.forms.showing import Press, View, show

__all__ = ["Press", "View", "devices", "kept", "patches", "show"]
