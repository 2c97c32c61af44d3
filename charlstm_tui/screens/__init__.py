"""The screens of the app, one per module, each with a `.tcss` file of the same name where it has styles."""
