/**
 * The link to the broker, as ER and SG see it: two adapters (`amqp.ts`, `mqtt.ts`), one behaviour, one
 * contract test.
 *
 * Topics are written with `/` everywhere; the AMQP adapter turns them into routing keys on `amq.topic`.
 * Guarantees: `publish` resolves only after the broker's confirm (PUBACK or publisher confirm) and rejects
 * when the connection is lost first; delivery is at least once while connected; nothing is stored by the
 * link itself. A link reconnects for ever with jittered back-off and works the same when the broker is
 * absent at start. It does not retry a failed publish: the journal is the only retry buffer.
 */
export type Subscription = {
  /** `down/<erId>/#` or `up/+/journal`: `+` one level, `#` the rest. */
  pattern: string;
  /**
   * AMQP: name of a durable shared queue (with `quorum`, `singleActiveConsumer` or a message TTL).
   * Without it: an exclusive queue that goes with the connection. MQTT: ignored, the session is clean.
   */
  queue?: { name: string; type: "quorum" | "classic"; singleActiveConsumer?: boolean; messageTtlMs?: number };
};

export type LinkOptions = {
  /** amqp:// amqps:// mqtt:// mqtts:// with user and password inside. */
  url: string;
  /** Shown in the broker's connection list; the MQTT client id. */
  name: string;
  subscriptions: Subscription[];
  /** Messages handed over and not yet settled, at the most. */
  prefetch: number;
  /** PEM of the CA to trust for amqps:// and mqtts://, where the system's list does not hold it. */
  ca?: string;
};

export type LinkHandlers = {
  /**
   * Settled (acked) when the returned promise ends, however it ends: the sender's journal re-sends what is
   * missing.
   */
  onMessage: (topic: string, payload: Buffer) => void | Promise<void>;
  onUp: () => void;
  /**
   * `reason` is written for the operator, without credentials. Called once per loss and once per failed
   * attempt.
   */
  onDown: (reason: string) => void;
};

export type Link = {
  /** Returns at once; `onUp` tells when the subscriptions are in place. */
  start(): void;
  /** Ends the connection after what was published is confirmed (at most 2 s). */
  stop(): Promise<void>;
  readonly up: boolean;
  /**
   * @param expirationMs AMQP per-message expiration; ignored on MQTT.
   * @throws AppError LINK_DOWN when not connected or the connection is lost before the confirm;
   *         LINK_UNROUTABLE when an AMQP broker returns a `mandatory` message nobody is bound for.
   */
  publish(
    topic: string,
    payload: Buffer,
    options?: { expirationMs?: number; mandatory?: boolean },
  ): Promise<void>;
};
