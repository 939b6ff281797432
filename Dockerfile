ARG NODE=24.21.0-bookworm-slim
ARG DEBIAN=bookworm-20260918-slim

FROM node:${NODE} AS build
WORKDIR /opt/kazoo-relay
COPY package.json package-lock.json .npmrc ./
# Without tools/runtime: the image has that Node already.
RUN npm ci --workspaces=false --ignore-scripts
COPY LICENSE tsconfig.json ./
COPY scripts scripts
COPY src src
# Files come with the modes of the checkout, which under a umask such as 077 nobody else may read.
RUN node scripts/build.mjs && chmod -R u=rwX,go=rX dist package.json LICENSE

FROM node:${NODE} AS packages
WORKDIR /opt/kazoo-relay
COPY package.json package-lock.json .npmrc ./
# Without what is for compilers.
RUN npm ci --omit=dev --workspaces=false --ignore-scripts \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -delete \
  && chmod -R u=rwX,go=rX node_modules

# Debian itself, not its Node image: that would bring npm, yarn and corepack, which nothing here runs.
FROM debian:${DEBIAN}
# A fixed number, because it owns what is on the volume. A container with another one has the group 0: so OpenShift does it.
RUN useradd --uid 10001 --home-dir /var/lib/kazoo-relay --no-create-home --shell /usr/sbin/nologin kazoo-relay \
  && install -d -o kazoo-relay -g root -m 0770 /var/lib/kazoo-relay \
  && install -d -m 0755 /etc/kazoo-relay \
  && ln -s /opt/kazoo-relay/dist/main.js /usr/local/bin/kazoo-relay
COPY --from=packages /usr/local/bin/node /usr/local/bin/node
WORKDIR /opt/kazoo-relay
COPY --from=build /opt/kazoo-relay/package.json /opt/kazoo-relay/LICENSE ./
COPY --from=packages /opt/kazoo-relay/node_modules node_modules
COPY --from=build /opt/kazoo-relay/dist dist

# By this it knows where it is, and says nothing of sudo.
ENV container=oci
USER 10001:10001
# Relative paths of a configuration belong to the working directory: they end up on the volume.
WORKDIR /var/lib/kazoo-relay
VOLUME /var/lib/kazoo-relay
STOPSIGNAL SIGTERM
# The page, metrics and probes, where http.listen is 0.0.0.0:9400.
EXPOSE 9400
# Whether the daemon moves, by its own socket; whether brokers and sinks can be reached is another question.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["kazoo-relay", "status", "--check", "live"]
ENTRYPOINT ["node", "/opt/kazoo-relay/dist/main.js"]
CMD ["run"]
