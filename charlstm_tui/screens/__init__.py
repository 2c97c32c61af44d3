"""The screens: one module for each, with its stylesheet next to it."""
