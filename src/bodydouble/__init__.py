"""bodydouble: a video or a webcam drives a virtual character."""
