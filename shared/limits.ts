/**
 * Every bound of the system in one place: sizes, rates, windows, deadlines.
 *
 * Relations between limits are asserted at the end of the file, so that changing one number cannot
 * silently break another. Numbers that an operator may change live in the configuration; these do not.
 */
import { assert } from "./errors.ts";

/* OCPP sockets */
/**
 * Largest frame accepted from a station. The largest legitimate ones are NotifyReport and replayed Ended
 * events.
 */
export const OCPP_FRAME_BYTES_MAX = 256 * 1024;
/** Raw bytes of a refused frame that are kept in the journal. */
export const OCPP_REJECTED_BYTES_MAX = 4 * 1024;
/** Sustained messages per second per station before its socket is paused (back-pressure, never loss). */
export const OCPP_STATION_RATE_PER_S = 50;
/** Burst on top of the sustained rate, so that a station which replays an outage is not slowed at once. */
export const OCPP_STATION_BURST = 500;
/** Frames that wait for the core (a full disk, a storm); beyond it each socket is paused after each frame. */
export const OCPP_BACKLOG_MAX = 5_000;
export const OCPP_BACKLOG_PAUSE_MS = 1_000;
export const OCPP_PING_INTERVAL_MS = 45_000;
/** Silence (no frame, no pong) after which a socket is closed. Some stations ping only every 5 minutes. */
export const OCPP_SILENCE_MS_MAX = 11 * 60_000;
export const OCPP_MESSAGE_ID_LENGTH_MAX = 36;
/**
 * Stored ids are looser than the standard's 36: some stations send longer ones and must still get an
 * answer.
 */
export const OCPP_MESSAGE_ID_LENGTH_TOLERATED = 128;
export const OCPP_CALL_TIMEOUT_MS = 30_000;
/**
 * Unanswered calls in a row after which the socket is closed: some firmware stops answering until it
 * reconnects.
 */
export const OCPP_CALL_TIMEOUTS_MAX = 3;
/** Our calls wait for the station's BootNotification this long: some stations drop the socket otherwise. */
export const OCPP_BOOT_GRACE_MS = 30_000;
export const OCPP_CALL_QUEUE_MAX = 32;
/** Refused password tries per remote address and minute before it is answered 429. */
export const OCPP_AUTH_FAILURES_PER_MIN = 20;
export const STATIONS_PER_ER_MAX = 5_000;
/** Stations that a hello tells of, connected or not. */
export const HELLO_STATIONS_MAX = 10_000;
/** Connectors remembered of one station; the status of more is journalled, not remembered. */
export const CONNECTORS_PER_STATION_MAX = 200;
/** Transactions that may run at one station: as many as it could have connectors. */
export const OPEN_TRANSACTIONS_PER_STATION_MAX = CONNECTORS_PER_STATION_MAX;

/* Journal and uplink */
/** Entries in one block (one commit). */
export const BLOCK_ENTRIES_MAX = 500;
/** Compressed bytes of blocks that one batch carries, unless a single block is larger. */
export const BATCH_BYTES_MAX = 256 * 1024;
export const BATCH_ENTRIES_MAX = 500;
/** Sequence numbers that one rewritten block may cover: most of them gone. */
export const BLOCK_SEQS_MAX = 100_000;
/** A decompressed block larger than this is refused: a zip bomb, not a journal. */
export const BLOCK_BYTES_MAX = 160 * 1024 * 1024;
/** Batches that may be under way without the cloud's ack. */
export const UPLINK_WINDOW_BATCHES = 16;
/** No ack for this long while batches are under way: send again from the last ack. */
export const UPLINK_ACK_TIMEOUT_MS = 10_000;
export const HELLO_INTERVAL_MS = 60_000;
/** Telemetry waits this long, at most, for company in a commit. */
export const COMMIT_LINGER_MS = 250;
/** … unless this many entries wait already: then waiting saves little wear and costs latency. */
export const COMMIT_LINGER_ENTRIES = 4;
/** Inputs taken into one commit. */
export const TURN_INPUTS_MAX = BLOCK_ENTRIES_MAX / 2;
/** A snapshot of the state is stored after this many entries, so that a start replays at most as many. */
export const SNAPSHOT_ENTRIES = 20_000;
/** Answered transaction messages kept per station to answer a retry with the first answer. */
export const RECENT_ANSWERS_PER_STATION = 64;
export const RECENT_COMMANDS_MAX = 1_000;
/** Tokens remembered to have charged at the site: what a station's own list can hold, and more. */
export const TOKEN_USE_MAX = 2_000;

/* Keeping stations able to work alone */
/** A station has told what it had to tell after it connected: upkeep begins. */
export const PROVISION_SETTLE_MS = 5_000;
/** Stations that upkeep calls at a time, so that a site that comes back is not flooded. */
export const PROVISION_CALLS_MAX = 10;
/** The same upkeep call is not made again on one connection within this time, whatever came of it. */
export const PROVISION_AGAIN_MS = 10 * 60_000;
/** What a station has refused is tried again after this … */
export const PROVISION_REFUSED_MS = 24 * 3_600_000;
/** … or after its next boot, if that comes later than this. */
export const PROVISION_REFUSED_BOOT_MS = 3_600_000;
/** What a station said of itself is read again after this. */
export const PROVISION_REREAD_MS = 24 * 3_600_000;
/** New tokens wait this long for company on their way to the stations' lists; refused ones do not wait. */
export const LOCAL_LIST_LINGER_MS = 10 * 60_000;
/** Tokens in a station's own list, whatever it could hold … */
export const LOCAL_LIST_ENTRIES_MAX = 1_000;
/** … and where it does not tell. */
export const LOCAL_LIST_ENTRIES_DEFAULT = 100;
/** Tokens in one call, whatever the station would take, and where it does not tell. */
export const LOCAL_LIST_ITEMS_MAX = 100;
export const LOCAL_LIST_ITEMS_DEFAULT = 20;

/* Tariffs */
/** What is remembered of the course of a running transaction: four days, then coarser. */
export const COURSE_REGISTERS_MAX = 768;
export const COURSE_WORDS_MAX = 200;
/** A station is told a running cost this often at most. */
export const COST_AGAIN_MS = 60_000;
export const TARIFFS_MAX = 200;
/** Versions of one tariff that wait for their time. */
export const TARIFF_VERSIONS_AHEAD_MAX = 5;
/** Places and groups of one operator that a tariff holds for. */
export const TARIFF_ASSIGNMENTS_MAX = 2_000;
/** Of what a policy says of tariffs. */
export const POLICY_TARIFF_VERSIONS_MAX = 2_000;
export const POLICY_TARIFF_ASSIGNMENTS_MAX = 4_000;
/** A site knows tariffs that held within this time: transactions may have begun then. */
export const TARIFFS_PAST_DAYS = 7;

/* Configuration templates */
export const TEMPLATES_MAX = 100;
export const TEMPLATE_VARIABLES_MAX = 100;
/** Values that templates may want of one station. */
export const TEMPLATE_WANTED_MAX = 500;
/** Values remembered of one station: those wanted now, and of late. */
export const CONFIGURATION_KNOWN_MAX = 1_000;
/** Values of one station that the API tells at once. */
export const CONFIGURATION_VIEW_MAX = 5_000;

/* Questions and commands */
/** How long a decision waits for the cloud. The absence of an answer is an ordinary value. */
export const ASK_DEADLINE_MS = 1_500;
/** … and one that the cloud passes on to somebody else: a certificate authority, a tax office. */
export const PASS_ON_DEADLINE_MS = 15_000;
/** Questions that are passed on at the same time: fewer than an SG takes messages, so that it goes on meanwhile. */
export const PASS_ON_UNDER_WAY_MAX = 24;
/** Questions of one station that wait for the cloud's word; more are decided at the site. */
export const PENDING_PER_STATION_MAX = 16;
/** Names of tokens that the cloud is asked about (OCPP 2.1 allows 255). */
export const ASKED_TOKEN_LENGTH_MAX = 255;
export const COMMAND_RESEND_MS = 30_000;
/**
 * Transaction ids of OCPP 1.6 come in blocks leased from the cloud; below this many left, the ER asks for
 * more.
 */
export const LEASE_BLOCK_SIZE = 1_000;
export const LEASE_LOW_WATER = 1_500;
export const LEASED_ID_MAX = 1_073_741_823;
export const EMERGENCY_ID_MIN = 1_073_741_824;
export const EMERGENCY_ID_MAX = 2_147_483_646;

/* Wire */
export const WIRE_MESSAGE_BYTES_MAX = 8 * 1024 * 1024;

/* Link to the broker */
/** First pause before a new connection attempt; doubles per attempt, with full jitter. */
export const LINK_BACKOFF_MS_MIN = 500;
export const LINK_BACKOFF_MS_MAX = 30_000;
/** A connection that lived this long counts as good: the next pause starts from the minimum again. */
export const LINK_STABLE_MS = 10_000;
/** From the TCP connect to the subscriptions in place. */
export const LINK_CONNECT_TIMEOUT_MS = 10_000;
/** AMQP heartbeat and MQTT keep-alive: a silent connection is given up after about twice this. */
export const LINK_HEARTBEAT_S = 15;
/** `stop` waits this long for the confirms of what was published. */
export const LINK_STOP_MS = 2_000;
/** Publishes under way without the broker's confirm; more are refused at once. */
export const LINK_PENDING_PUBLISHES_MAX = 4_096;
export const LINK_PENDING_BYTES_MAX = 64 * 1024 * 1024;
/** MQTT messages read ahead of the handlers before the socket is left unread. */
export const LINK_HELD_MESSAGES_MAX = 256;
export const LINK_HELD_BYTES_MAX = 32 * 1024 * 1024;
/** AMQP routing keys are short strings. */
export const LINK_TOPIC_BYTES_MAX = 255;

/* Meters */
/** Failed polls in a row after which a meter is `lost`. */
export const METER_LOST_AFTER_POLLS = 3;
/** A lost meter is asked less and less often, down to this: it must not starve the others on its line. */
export const METER_BACKOFF_MS_MAX = 60_000;
export const MODBUS_CONNECT_MS_MAX = 5_000;
/** A line that cannot be opened (adapter unplugged, TCP refused) is tried again at most this often … */
export const MODBUS_REOPEN_MS_MIN = 1_000;
/** … and at least this often, for ever. */
export const MODBUS_REOPEN_MS_MAX = 10_000;
/** An answer that is later than this after its request cannot come any more. */
export const MODBUS_LATE_MS_MAX = 10_000;
/** A line that is not silent for this long cannot be used: another master, or noise. */
export const MODBUS_BABBLE_MS_MAX = 1_000;
/** Bytes kept while looking for an answer among noise. The longest frame has 256. */
export const MODBUS_BUFFER_BYTES_MAX = 512;

/* API */
export const API_PAGE_DEFAULT = 50;
export const API_PAGE_MAX = 200;
/** One file of idTokens that is imported. */
export const TOKEN_IMPORT_BYTES_MAX = 5_000_000;
export const TOKEN_IMPORT_ROWS_MAX = 50_000;
export const API_BODY_BYTES_MAX = 256 * 1024;
export const API_RATE_PER_MIN = 1_200;
/** Requests from one address by which nobody is known. */
export const API_FAILURES_PER_MIN = 120;
export const SSE_CLIENTS_MAX = 500;
export const SSE_CLIENTS_PER_ACTOR_MAX = 100;
export const IDEMPOTENCY_HOURS = 24;

/* Facts of stations in the cloud */
/** Rows of reports, variables or events that one statement writes. */
export const FACT_ROWS_PER_STATEMENT = 2_000;
/** Parts of a report that are shown with the command that asked for it. */
export const COMMAND_REPORTS_MAX = 500;
export const COMMAND_REPORT_BYTES_MAX = 8 * 1024 * 1024;

/* What the cloud sends by itself: mail, webhooks, exports */
export const MAIL_BYTES_MAX = 4 * 1024 * 1024;
/** Mails that one copy sends at a time, and how long one may take. */
export const MAIL_AT_ONCE = 8;
export const MAIL_SEND_MS_MAX = 60_000;
/** Whoever has claimed a mail or a delivery and says nothing for this long has died: somebody else does it. */
export const OUTBOX_LEASE_MS = 180_000;
export const WEBHOOK_TIMEOUT_MS = 15_000;
export const WEBHOOK_DATA_BYTES_MAX = 16 * 1024;
/** Of an answer so much is read, and so much of it kept. */
export const WEBHOOK_RESPONSE_BYTES_MAX = 16 * 1024;
export const WEBHOOK_RESPONSE_KEPT_MAX = 1_000;
/** Longest wait that an endpoint may ask for (Retry-After). */
export const WEBHOOK_RETRY_AFTER_MS_MAX = 24 * 3_600_000;
/** Deliveries under way in one copy, and of them to one endpoint. */
export const WEBHOOK_AT_ONCE = 64;
export const WEBHOOK_AT_ONCE_PER_ENDPOINT = 8;
export const WEBHOOK_ENDPOINTS_MAX = 50;
/** Deliveries that are sent again by one request. */
export const WEBHOOK_REPLAY_MAX = 10_000;
/** Open alarms of one rule; of more subjects the first by name. */
export const ALARM_SUBJECTS_MAX = 2_000;
export const ALARM_RULES_MAX = 200;
export const ALARM_EMAILS_MAX = 20;
/** Lines of one mail about alarms; the rest is a number. */
export const ALARM_LINES_MAX = 50;
/** Rows of a page of an export, of one that is answered at once, and of one that is made in the background. */
export const EXPORT_PAGE_ROWS = 2_000;
export const EXPORT_ROWS_AT_ONCE_MAX = 50_000;
export const EXPORT_ROWS_MAX = 20_000_000;
export const EXPORT_BYTES_MAX = 4 * 1024 * 1024 * 1024;
export const EXPORTS_OPEN_MAX = 10;
export const EXPORT_KEEP_DAYS = 7;
/** An export that is being made says so at least this often, or it is made by somebody else. */
export const EXPORT_HOLD_MS = 120_000;
/** Lines of a report: sites or stations times days. */
export const REPORT_LINES_MAX = 10_000;
export const REPORT_DAYS_MAX = 400;
/** Transactions whose hours are added up in one transaction. */
export const ROLL_UP_BATCH = 500;

/* Files: firmware for stations, logs from them */
/** One file of firmware or log, whatever a configuration allows. */
export const FILE_BYTES_MAX = 512 * 1024 * 1024;
export const FILE_NAME_LENGTH_MAX = 128;
/** What files of the stations may take of the box's disk together, where the configuration says nothing. */
export const FILES_BUDGET_MB = 1_024;
/** One upload of a station, where the configuration says nothing. */
export const UPLOAD_MB_MAX = 128;
/** Files are taken in only while the disk has this much left: the journal comes first. */
export const FILES_DISK_FREE_BYTES_MIN = 128 * 1024 * 1024;
/** Places that stations were told to load from or to write to; the oldest goes first … */
export const FILE_PLACES_MAX = 10_000;
/** … and each after this. */
export const FILE_PLACE_MS = 24 * 3_600_000;
/** Files that a station may leave at one place: some send several logs, some try again. */
export const FILES_PER_PLACE_MAX = 8;
/** Uploads that lie at the box and wait for the cloud. */
export const UPLOADS_MAX = 1_000;
/** Uploads that are being written at the same time. */
export const FILE_WRITERS_MAX = 16;
/** Sockets of the file servers, each; and of one address. */
export const FILE_SOCKETS_MAX = 256;
export const FILE_SOCKETS_PER_ADDRESS_MAX = 16;
/** A socket on which nothing moves for this long is closed. */
export const FILE_IDLE_MS_MAX = 60_000;
/** From the first byte of a request to the last one of its body. */
export const FILE_REQUEST_MS_MAX = 3_600_000;
export const FTP_LINE_BYTES_MAX = 1_024;
export const FTP_QUEUE_MAX = 32;
/** Replies that a client has not read yet. */
export const FTP_UNREAD_BYTES_MAX = 64 * 1024;
/** A data connection must come this soon after PASV. */
export const FTP_DATA_WAIT_MS = 15_000;
/** In the cloud: files of an operator together, and of one command. */
export const FILES_BYTES_PER_OPERATOR_MAX = 50 * 1024 * 1024 * 1024;
export const FILES_PER_COMMAND_MAX = 64;
/** Files that an operator may be putting there at the same time, at one copy of the API. */
export const FILES_COMING_PER_OPERATOR_MAX = 4;
/** Bytes of an upload that go to the cloud in one request: small enough for a link of 20 kbit/s. */
export const FORWARD_CHUNK_BYTES = 256 * 1024;
export const FORWARD_CHUNK_MS_MAX = 120_000;
/** Pause after a failed fetch or forward: doubles from the first to the second. */
export const TRANSFER_BACKOFF_MS_MIN = 1_000;
export const TRANSFER_BACKOFF_MS_MAX = 300_000;

assert(TEMPLATE_WANTED_MAX < CONFIGURATION_KNOWN_MAX, "what is wanted of a station is remembered");
/* Stations that are held, and their passwords */
/** Stations of a site of which a policy wants something that is not usual. */
export const POLICY_STATIONS_MAX = 2_000;
/** Passwords that count for a station while it is being told a new one. */
export const STATION_PASSWORDS_MAX = 4;
/** After this a held station boots again, where nobody has said otherwise. */
export const REGISTRATION_RETRY_S = 60;
/** A running station that is to be held is given this long to boot when it is asked to. */
export const REGISTRATION_BOOT_MS = 30_000;
/** A station that is held at Pending and to be released is asked this often to boot. */
export const REGISTRATION_ASK_MS = 60_000;
/** What a held station was asked for may come within this time. */
export const INVITED_MS = 120_000;
export const INVITED_MAX = 50;
/* Money */
/** A transaction that could not be billed is tried again after this at the latest. */
export const CDR_TRIES_DELAY_MAX_S = 6 * 3_600;

assert(TURN_INPUTS_MAX * 2 <= BLOCK_ENTRIES_MAX, "an ordinary turn fits into one block");
assert(BLOCK_ENTRIES_MAX <= BATCH_ENTRIES_MAX, "a block must fit into a batch");
assert(STATIONS_PER_ER_MAX <= HELLO_STATIONS_MAX, "a hello tells of every connected station");
assert(ASK_DEADLINE_MS < OCPP_CALL_TIMEOUT_MS, "a question ends before the station gives up");
assert(
  PASS_ON_DEADLINE_MS < OCPP_CALL_TIMEOUT_MS,
  "what is passed on is answered before the station gives up",
);
assert(STATIONS_PER_ER_MAX <= FILE_PLACES_MAX, "every station can be told a place for the same firmware");
assert(LEASE_LOW_WATER > LEASE_BLOCK_SIZE, "one whole block is always in reserve");
assert(WIRE_MESSAGE_BYTES_MAX < LINK_HELD_BYTES_MAX, "the largest message can be held");
assert(EMERGENCY_ID_MIN === LEASED_ID_MAX + 1, "leased and emergency ids never meet");
assert(EMERGENCY_ID_MAX < 2 ** 31 - 1, "transaction ids stay inside a signed 32-bit integer");
