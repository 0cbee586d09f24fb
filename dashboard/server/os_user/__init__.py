"""The operating system user that Runglass runs as when root starts it.

Postgres refuses to run as root, and a web server should not. So root hands the data directory to an unprivileged user,
lets that user pass through the directories above, and `up` becomes that user before it starts anything. Other commands
stay root, and only run Postgres as that user. Nothing here has an effect for an ordinary user.

From the bottom up: `errors`, `system_account` (found or created), `users` (which user), `access_lists` (one user's
access to a file), `passage` (to directories and code), `data_directory` (its owner and modes), `privileges` (`up`).
"""
