# Builds for the machine's own kind of processor, or for another: docker build --platform linux/arm64 . Nothing of the other
# kind runs while it is built.
ARG NODE=24.21.0-bookworm-slim
ARG DEBIAN=bookworm-20260918-slim

FROM node:${NODE} AS node
FROM debian:${DEBIAN} AS debian

FROM --platform=$BUILDPLATFORM node:${NODE} AS build
WORKDIR /opt/kazoo-relay
COPY package.json package-lock.json .npmrc ./
# Without tools/runtime: the image has that Node already.
RUN npm ci --workspaces=false --ignore-scripts
COPY LICENSE tsconfig.json ./
COPY scripts scripts
COPY src src
RUN node scripts/build.mjs

FROM --platform=$BUILDPLATFORM node:${NODE} AS packages
WORKDIR /opt/kazoo-relay
COPY package.json package-lock.json .npmrc ./
ARG TARGETARCH
RUN npm ci --omit=dev --workspaces=false --ignore-scripts --os=linux --libc=glibc \
    ${TARGETARCH:+--cpu=$(echo "$TARGETARCH" | sed s/amd64/x64/)}
COPY tools/runtime/package.json tools/runtime/
COPY scripts scripts
COPY src src
# What it is made of, and under which licences. Then, without the libraries that dist/ holds.
RUN node scripts/release/notices.ts . && node scripts/release/libraries.ts .

# All that the image holds, in a folder: Node, what it is linked with, certificates, time zones, and the program.
FROM --platform=$BUILDPLATFORM node:${NODE} AS root
WORKDIR /root
COPY --from=build /opt/kazoo-relay/package.json /opt/kazoo-relay/LICENSE opt/kazoo-relay/
COPY --from=build /opt/kazoo-relay/dist opt/kazoo-relay/dist
COPY --from=packages /opt/kazoo-relay/node_modules opt/kazoo-relay/node_modules
COPY --from=packages /opt/kazoo-relay/sbom.cdx.json /opt/kazoo-relay/THIRD-PARTY-LICENSES.txt opt/kazoo-relay/
COPY --from=node /usr/local/bin/node usr/local/bin/node
COPY --from=debian /usr/share/zoneinfo usr/share/zoneinfo
COPY scripts /scripts
COPY deploy/docker/root.sh /root.sh
RUN --mount=type=bind,from=debian,target=/debian sh /root.sh /debian

# No shell, no package manager, nothing that runs as another user.
FROM scratch
ARG REVISION
LABEL org.opencontainers.image.title="kazoo-relay" \
  org.opencontainers.image.description="Takes every notification a 2600Hz KAZOO phone system publishes, keeps it safe on disk, and delivers it to logs, files, databases and webhooks." \
  org.opencontainers.image.authors="kazoo-relay contributors <kazoo-relay@example.com>" \
  org.opencontainers.image.version="0.3.0" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.licenses="MIT"
COPY --from=root /root /
# By this it knows where it is, and says nothing of sudo.
ENV PATH=/usr/local/bin container=oci
USER 10001:10001
# Relative paths of a configuration belong to the working directory: they end up on the volume.
WORKDIR /var/lib/kazoo-relay
VOLUME /var/lib/kazoo-relay
STOPSIGNAL SIGTERM
# The page, metrics and probes, where http.listen is 0.0.0.0:9400.
EXPOSE 9400
# Whether the daemon moves, by its own socket; whether brokers and sinks can be reached is another question.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["kazoo-relay", "status", "--check", "live"]
ENTRYPOINT ["kazoo-relay"]
CMD ["run"]
