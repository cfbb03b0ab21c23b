"""What builds and renews files of the repository; none of it is deployed."""
