"""What the contact of a graphical client does, with slixmpp."""
from peer import take
from screen import shows

RECEIPTS = ("xep_0184", "xep_0333")


async def befriend(bob, contact, name, group):
    await bob.update_roster(contact.boundjid.bare, name=name, groups=[group])
    bob.send_presence_subscription(contact.boundjid.bare)
    await bob.sees(contact.boundjid.bare, "available")
    await contact.sees(bob.boundjid.bare, "available")


async def talk(screen, alice, client):
    """The client shows what alice writes, confirms it, and sends what is typed; it is at the
    conversation with her."""
    receipts = alice.listen("receipt_received")
    message = alice.make_message("bob@localhost", "你好 from slixmpp 👋", mtype="chat")
    message["request_receipt"] = True
    message.enable("markable")
    message.send()
    await shows("你好 from slixmpp 👋")
    assert (await take(receipts))["receipt"] == message["id"]
    for text in (f"Hello from {client}", "再见 <b>&amp;"):
        screen.types(text)
        screen.presses("Return")
        sender, kind, body = await alice.next_body()
        assert (sender.full, kind, body) == (f"bob@localhost/{client}", "chat", text), (sender, body)
        await shows(text)
