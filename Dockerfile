ARG NODE=24.21.0-bookworm-slim
ARG DEBIAN=bookworm-20260918-slim

FROM node:${NODE} AS build
WORKDIR /opt/kazoo-relay
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
RUN npm run build

FROM node:${NODE} AS packages
WORKDIR /opt/kazoo-relay
COPY package.json package-lock.json .npmrc ./
# Without what is for compilers.
RUN npm ci --omit=dev --ignore-scripts \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -delete

# Debian itself, not its Node image: that would bring npm, yarn and corepack, which nothing here runs.
FROM debian:${DEBIAN}
# A fixed number, because it owns what is on the volume.
RUN useradd --uid 10001 --home-dir /var/lib/kazoo-relay --no-create-home --shell /usr/sbin/nologin kazoo-relay \
  && install -d -o kazoo-relay -g kazoo-relay -m 0750 /var/lib/kazoo-relay \
  && ln -s /opt/kazoo-relay/dist/main.js /usr/local/bin/kazoo-relay
COPY --from=packages /usr/local/bin/node /usr/local/bin/node
WORKDIR /opt/kazoo-relay
COPY package.json LICENSE ./
COPY --from=packages /opt/kazoo-relay/node_modules node_modules
COPY --from=build /opt/kazoo-relay/dist dist

USER 10001:10001
# Relative paths of a configuration belong to the working directory: they end up on the volume.
WORKDIR /var/lib/kazoo-relay
VOLUME /var/lib/kazoo-relay
STOPSIGNAL SIGTERM
# Whether the daemon moves, by its own socket; whether brokers and sinks can be reached is another question.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["kazoo-relay", "status", "--check", "live"]
ENTRYPOINT ["node", "/opt/kazoo-relay/dist/main.js"]
CMD ["run"]
