import connect from 'undici/lib/api/api-connect.js';
import buildConnector from 'undici/lib/core/connect.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
import EnvHttpProxyAgent from 'undici/lib/dispatcher/env-http-proxy-agent.js';
import Pool from 'undici/lib/dispatcher/pool.js';
import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js';

/*
 * The files of undici that send requests. Its main file also loads fetch, WebSocket, caches and mocks: 6 MiB, and 40 ms at
 * the start. Files within a package may move with any version, so package.json pins undici exactly.
 */

// So does the main file: agents make their tunnels through a proxy by it.
Dispatcher.prototype.connect = connect;

export { Agent, buildConnector, EnvHttpProxyAgent, Pool, ProxyAgent };
