"""Rules about what a program attaches to, as far as the kernel looks at it when loading."""
