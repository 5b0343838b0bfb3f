"""The link to a broker: a port (transport), two adapters (mqtt, memory), and the endpoint that keeps a link alive."""
