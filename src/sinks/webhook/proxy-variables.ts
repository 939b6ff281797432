/** Where the environment names proxies; they may hold a password. */
export const proxyVariables = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'] as const;

/** A proxy of a kind that we speak to. */
export const proxyUrl = /^https?:\/\//i;
