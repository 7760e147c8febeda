# Images of nothing but one static binary each: 6 MB, no shell, nothing to patch. They are built beforehand, since cargo has
# them anyway; the build context is the folder that they are in. `scripts/images` does all of it. By hand, from a release build:
#
#   docker build --target ballast --tag ballast --file Dockerfile target/x86_64-unknown-linux-gnu/release
#
# A context of that size takes a moment to send; without BuildKit, copy the binary into an empty folder first.
FROM scratch AS ballast
COPY ballast /ballast
ENTRYPOINT ["/ballast"]

FROM scratch AS sample
COPY sample /sample
ENTRYPOINT ["/sample"]
