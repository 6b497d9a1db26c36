"""What is sent to webhooks from this program: test events, what came of them, and whether what somebody else
received was signed right. Nothing here changes a destination.
"""
