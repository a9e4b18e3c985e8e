// Made from the API's description by `npm run openapi`. Changes here are lost.

export type AcceptInvitation = { token: string; name?: string; password?: string };
export type Alarm = { alarmId: string; ruleId: string | null; name: string; kind: string; severity: "info" | "warning" | "critical"; subject: string; siteId: string | null; erId: string | null; stationId: string | null; detail: Record<string, unknown>; status: "raised" | "acknowledged" | "cleared"; raisedAt: string; acknowledgedAt: string | null; acknowledgedBy: string | null; note: string | null; clearedAt: string | null; clearedBecause: "condition" | "rule-changed" | "rule-deleted" | null };
export type AlarmAcknowledgement = { note?: string };
export type AlarmKind = { kind: "er-offline" | "station-offline" | "connector-faulted" | "er-backlog" | "er-disk" | "er-pressure" | "er-clock" | "meter-silent" | "command-uncertain" | "orphan-stop" | "work-queue" | "entry-parked" | "billing-held" | "charged-free" | "statement-late" | "payment-problem" | "payment-finding" | "erasure-waits" | "webhook-failing" | "mail-failed"; words: { en: string; pt: string; es: string }; params: Record<string, { min: number; max: number; default: number }> };
export type AlarmRule = { ruleId: string; kind: "er-offline" | "station-offline" | "connector-faulted" | "er-backlog" | "er-disk" | "er-pressure" | "er-clock" | "meter-silent" | "command-uncertain" | "orphan-stop" | "work-queue" | "entry-parked" | "billing-held" | "charged-free" | "statement-late" | "payment-problem" | "payment-finding" | "erasure-waits" | "webhook-failing" | "mail-failed"; name: string; params: Record<string, number>; severity: "info" | "warning" | "critical"; siteIds: (string)[] | null; raiseAfterS: number; clearAfterS: number; emails: (string)[]; webhook: boolean; enabled: boolean; createdAt: string; updatedAt: string };
export type AlarmRulePatch = { name?: string; params?: Record<string, number>; severity?: "info" | "warning" | "critical"; siteIds?: (string)[] | null; raiseAfterS?: number; clearAfterS?: number; emails?: (string)[]; webhook?: boolean; enabled?: boolean };
export type ApiKey = { keyId: string; prefix: string; name: string; role: "owner" | "admin" | "operations" | "billing" | "support" | "site-host" | "installer" | "driver"; permissions: (string)[] | null; siteIds: (string)[] | null; expiresAt: string | null; createdBy: string | null; createdAt: string; lastUsedAt: string | null; revokedAt: string | null };
export type ApplicableTariff = { tariffId: string; version: number; name: string; assignedBy: "group" | "station" | "site" | "operator"; terms: TariffTerms };
export type AuditEntry = { auditId: string; at: string; actor: string; action: string; subject: string; requestId: string; detail: unknown };
export type BackupCodes = { backupCodes: (string)[] };
export type BillingItem = { transactionId: string; siteId: string; status: "pending" | "held" | "billed" | "none"; reasons: (string)[]; cdrId: string | null; decision: "bill" | "waive" | "keep" | null; decidedBy: string | null; decidedAt: string | null; note: string | null; error: string | null; tries: number; updatedAt: string };
export type Cdr = { cdrId: string; number: number; status: "standing" | "corrected"; transactionId: string; corrects: string | null; correctedBy: string | null; createdAt: string; idToken: string | null; startedAt: string; endedAt: string; timeQuality: "station" | "er" | "estimated"; energyWh: number; energyQuality: "registers" | "readings" | "decided"; flags: (string)[]; currency: string; netMinor: number; taxMinor: number; totalMinor: number; tax: { name: string; rateBp: number; included: boolean } | null; lines: (CdrLine)[]; cause: "ended" | "late-data" | "payer" | "decision" | "manual"; reason: string | null; createdBy: string; siteId: string; stationId: string; evseId: number; connectorId: number | null; driverId: string | null; paymentId: string | null; payer: string; timeZone: string; meterStartWh: number | null; meterStopWh: number | null; tariffId: string | null; tariffVersion: number | null };
export type CdrLine = { component: "start" | "energy" | "charging-time" | "idle-time" | "minimum" | "maximum" | "correction"; elementIndex: number | null; from: string; to: string; quantity: number; unit: "Wh" | "s" | "start" | "adjustment"; priceMicro: number; amountMinor: number };
export type CertificateRequest = { certificateRequestId: string; siteId: string; stationId: string; at: string; csr: string; certificateType: string | null; requestId: number | null; state: "open" | "answered"; answeredAt: string | null; commandId: string | null };
export type ChargingProfile = { profileId: number; operatorId: string; siteId: string; stationId: string; evseId: number; purpose: string; stackLevel: number; transactionId: string | null; chargingProfile: Record<string, unknown>; state: "wanted" | "set" | "rejected" | "failed" | "cleared" | "ended"; reason: string | null; commandId: string; clearCommandId: string | null; issuedBy: string; createdAt: string; updatedAt: string };
export type CodeOnly = { code: string };
export type Command = { commandId: string; operatorId: string; siteId: string; stationId: string; kind: string; params: unknown; status: "pending" | "sent" | "accepted" | "succeeded" | "rejected" | "failed" | "expired" | "uncertain" | "superseded"; issuedBy: string; issuedAt: string; expiresAt: string; sentAt: string | null; acceptedAt: string | null; finishedAt: string | null; response: unknown; reason: string | null };
export type CommandDetail = { commandId: string; operatorId: string; siteId: string; stationId: string; kind: string; params: unknown; status: "pending" | "sent" | "accepted" | "succeeded" | "rejected" | "failed" | "expired" | "uncertain" | "superseded"; issuedBy: string; issuedAt: string; expiresAt: string; sentAt: string | null; acceptedAt: string | null; finishedAt: string | null; response: unknown; reason: string | null; reports: (StationReport)[]; reportsTruncated: boolean };
export type ConfigurationValue = { name: string; key: string | null; component: string | null; componentInstance: string | null; evseId: number | null; connectorId: number | null; variable: string; variableInstance: string | null; actual: string | null; secret: boolean; mutability: string | null; unit: string | null; dataType: string | null; readAt: string | null; wanted: string | null; templateId: string | null; template: string | null; drift: boolean; state: "wanted" | "written" | "refused" | "reboot-required" | "read-only" | "unknown" | null };
export type Connector = { stationId: string; evseId: number; connectorId: number; status: "Available" | "Occupied" | "Reserved" | "Unavailable" | "Faulted" | "Unknown"; detail: string | null; errorCode: string | null; statusAt: string | null; transactionId: string | null; powerW: number | null };
export type Done = { done: true };
export type Driver = { driverId: string; operatorId: string; status: "active" | "blocked" | "erased"; name: string | null; email: string | null; phone: string | null; taxId: string | null; language: string; groupId: string | null; userId: string | null; notes: string | null; tokenCount: number; createdAt: string; updatedAt: string; erasureRequestedAt: string | null; erasedAt: string | null; erasureFinishedAt: string | null };
export type DriverDetail = { driverId: string; operatorId: string; status: "active" | "blocked" | "erased"; name: string | null; email: string | null; phone: string | null; taxId: string | null; language: string; groupId: string | null; userId: string | null; notes: string | null; tokenCount: number; createdAt: string; updatedAt: string; erasureRequestedAt: string | null; erasedAt: string | null; erasureFinishedAt: string | null; idTokens: (IdToken)[]; transactions: (Transaction)[] };
export type DriverErasure = { driverId: string; erasedAt: string; finishedAt: string | null; exportsRemoved: number };
export type DriverPatch = { name?: string; status?: "active" | "blocked"; email?: string | null; phone?: string | null; taxId?: string | null; language?: "pt-BR" | "en" | "es"; groupId?: string | null; userId?: string | null; notes?: string | null };
export type DriverPaymentRequest = { email: string; mailed: boolean; url: string; owed: ({ currency: string; amountMinor: number })[] };
export type Er = { erId: string; siteId: string; operatorId: string; online: boolean; lastSeenAt: string | null; release: string | null; startedAt: string | null; journalId: string | null; ackedSeq: number; journalSeq: number; backlog: number; policyVersion: number | null; clock: string | null; clockOffsetMs: number | null; parkedEntries: number; gauges: ErGauges | null; gaugesAt: string | null; previousEnd: string | null; previousReason: string | null; setAside: (SetAside)[] };
export type ErGauges = { backlog: number; journalBytes: number; journalBudgetBytes: number; pressure: "none" | "compact" | "thin-60" | "thin-300" | "refuse"; diskFreeBytes?: number; writtenBytes?: number; diskWearPercent?: number; temperatureC?: number; rssBytes?: number; linkUp: boolean; clockOffsetMs: number; policyVersion: number; policyAgeS?: number; stationsConnected: number; activeTransactions: number };
export type ErHealth = { at: string; gauges: ErGauges };
export type Export = { exportId: string; kind: "transactions" | "cdrs" | "payments" | "id-tokens" | "meter-samples" | "energy-hours" | "alarms" | "audit"; from: string; to: string; siteId: string | null; status: "waiting" | "running" | "done" | "failed"; createdBy: string; createdAt: string; finishedAt: string | null; rows: number | null; bytes: number | null; error: string | null; expiresAt: string | null };
export type File = { fileId: string; kind: "firmware" | "log"; name: string; size: number; sha256: string; status: "at-box" | "complete" | "lost"; stationId: string | null; commandId: string | null; createdAt: string; receivedAt: string | null; completedAt: string | null };
export type GuestConnector = { code: string; operatorName: string; siteName: string; timeZone: string; stationName: string; evseId: number; offered: boolean; reason: "offline" | "taken" | "no-tariff" | "no-provider" | null; tariff: { tariffId: string; version: number; name: string; terms: TariffTerms } | null; methods: ({ provider: "stripe" | "mercado-pago" | "sandbox"; method: "card" | "pix" | "sandbox"; flow: "authorize" | "prepay"; currency: string; defaultAmountMinor: number; minAmountMinor: number; maxAmountMinor: number; payMinutes: number })[] };
export type GuestSession = { guestSessionId: string; code: string; siteName: string; stationName: string; evseId: number; timeZone: string; language: "pt-BR" | "en" | "es"; state: "awaiting-payment" | "starting" | "plug-in" | "charging" | "finishing" | "settled" | "released" | "expired"; reason: string | null; payment: { method: "card" | "pix" | "sandbox"; flow: "authorize" | "prepay"; status: string; currency: string; amountMinor: number; capturedMinor: number; refundedMinor: number; refundPendingMinor: number; declineCode: string | null; checkoutUrl: string | null; pixCode: string | null; pixQrSvg: string | null; expiresAt: string }; charging: { startedAt: string; endedAt: string | null; energyWh: number | null; powerW: number | null; socPercent: number | null } | null; price: { totalMinor: number; taxMinor: number; final: boolean } | null; capEnergyWh: number | null; stopAsked: boolean; hasReceipt: boolean; createdAt: string };
export type IdToken = { idToken: string; operatorId: string; type: string | null; status: "Accepted" | "Blocked"; label: string | null; groupId: string | null; master: boolean; expiresAt: string | null; siteIds: (string)[] | null; stationIds: (string)[] | null; trusted: boolean; maxConcurrent: number | null; maxEnergyWh: number | null; driverId: string | null; createdAt: string; updatedAt: string };
export type IdTokenGroup = { groupId: string; tokenCount: number; blockedCount: number; driverCount: number };
export type IdTokenImport = { status: "applied" | "rejected" | "dry-run"; created: number; updated: number; unchanged: number; errors: number; driversCreated: number; driversUpdated: number; rows: (IdTokenImportRow)[] };
export type IdTokenImportRow = { line: number; idToken: string | null; result: "created" | "updated" | "unchanged" | "error"; reason: string | null };
export type IdTokenPatch = { status?: "Accepted" | "Blocked"; label?: string | null; groupId?: string | null; master?: boolean; expiresAt?: string | null; siteIds?: (string)[] | null; stationIds?: (string)[] | null; trusted?: boolean; maxConcurrent?: number | null; maxEnergyWh?: number | null };
export type Invitation = { invitationId: string; email: string; role: "owner" | "admin" | "operations" | "billing" | "support" | "site-host" | "installer" | "driver"; siteIds: (string)[] | null; expiresAt: string | null; state: "open" | "accepted" | "revoked" | "expired"; createdBy: string; createdAt: string; validUntil: string };
export type InvitationToMe = { email: string; operatorName: string; role: "owner" | "admin" | "operations" | "billing" | "support" | "site-host" | "installer" | "driver"; how: "create" | "sign-in" | "recover" };
export type LedgerAccount = { account: string; kind: string; subject: string | null; openedAt: string; balances: (LedgerBalance)[] };
export type LedgerBalance = { currency: string; amountMinor: number };
export type LedgerEntry = { account: string; currency: string; amountMinor: number };
export type LedgerPosting = { postingId: string; reference: string; kind: string; occurredAt: string; bookedAt: string; bookedBy: string | null; cdrId: string | null; paymentId: string | null; reverses: string | null; note: string | null; entries: (LedgerEntry)[] };
export type LiveEvent = { type: "reset" | "er" | "station" | "transaction" | "meter" | "command" | "message" | "review" | "alarm"; siteId?: string; erId?: string; stationId?: string; transactionId?: string; meterId?: string; commandId?: string; alarmId?: string };
export type LocalList = { stationId: string; version: number | null; entries: ({ idToken: string; type: string | null; status: string; groupId: string | null; expiresAt: string | null })[] | null; checkedAt: string | null; updatedAt: string | null; lastResult: string | null; lastResultAt: string | null };
export type MadeApiKey = { keyId: string; prefix: string; name: string; role: "owner" | "admin" | "operations" | "billing" | "support" | "site-host" | "installer" | "driver"; permissions: (string)[] | null; siteIds: (string)[] | null; expiresAt: string | null; createdBy: string | null; createdAt: string; lastUsedAt: string | null; revokedAt: string | null; key: string | null };
export type MadeInvitation = { invitationId: string; email: string; role: "owner" | "admin" | "operations" | "billing" | "support" | "site-host" | "installer" | "driver"; siteIds: (string)[] | null; expiresAt: string | null; state: "open" | "accepted" | "revoked" | "expired"; createdBy: string; createdAt: string; validUntil: string; link: string | null; mailed: boolean };
export type Mail = { mailId: string; kind: string; recipient: string; subject: string; status: "waiting" | "sent" | "failed"; attempts: number; createdAt: string; nextAt: string | null; lastError: string | null; finishedAt: string | null };
export type MailState = { configured: boolean; from: string | null; waiting: number; failed: number; oldestWaitingAt: string | null; lastError: string | null };
export type Me = { operatorId: string; keyName: string; role: string; permissions: (string)[]; siteIds: (string)[] | null; person: Person | null; operators: ({ operatorId: string; name: string; role: string })[] };
export type Message = { messageId: string; at: string; atRaw: string | null; kind: "ocpp.handled" | "ocpp.rejected" | "ocpp.called" | "station.online" | "station.offline"; direction: "in" | "out" | "none"; protocol: string | null; action: string | null; request: string | null; response: string | null; reason: string | null; cause: string | null; transactionId: string | null; commandId: string | null; flags: (string)[] };
export type Meter = { meterId: string; siteId: string; erId: string; operatorId: string; model: string | null; state: "ok" | "lost" | "unknown"; stateReason: string | null; sampledAt: string | null; powerW: number | null; powerPhasesW: (number)[] | null; currentPhasesMa: (number)[] | null; voltagePhasesMv: (number)[] | null; energyImportWh: number | null; energyExportWh: number | null; flags: (string)[] };
export type MeterSample = { at: string; powerW: number | null; powerPhasesW: (number)[] | null; energyImportWh: number | null; energyExportWh: number | null };
export type NewAlarmRule = { kind: "er-offline" | "station-offline" | "connector-faulted" | "er-backlog" | "er-disk" | "er-pressure" | "er-clock" | "meter-silent" | "command-uncertain" | "orphan-stop" | "work-queue" | "entry-parked" | "billing-held" | "charged-free" | "statement-late" | "payment-problem" | "payment-finding" | "erasure-waits" | "webhook-failing" | "mail-failed"; name: string; params?: Record<string, number>; severity: "info" | "warning" | "critical"; siteIds?: (string)[] | null; raiseAfterS?: number; clearAfterS?: number; emails?: (string)[]; webhook?: boolean; enabled?: boolean };
export type NewApiKey = { name: string; role: "owner" | "admin" | "operations" | "billing" | "support" | "site-host" | "installer" | "driver"; permissions?: (string)[] | null; siteIds?: (string)[] | null; expiresAt?: string | null };
export type NewBillingDecision = { decision: "bill" | "waive" | "keep"; energyWh?: number; note: string };
export type NewCdrCorrection = { reason: string; totalMinor?: number; energyWh?: number };
export type NewChargingProfile = { evseId: number; chargingProfile: Record<string, unknown> };
export type NewCommand = { kind: string; params: Record<string, unknown>; expiresInSeconds?: number };
export type NewDriver = { name: string; email?: string | null; phone?: string | null; taxId?: string | null; language?: "pt-BR" | "en" | "es"; groupId?: string | null; userId?: string | null; notes?: string | null };
export type NewDriverErasure = { confirm: string; openBalance?: "refuse" | "leave" };
export type NewExport = { kind: "transactions" | "cdrs" | "payments" | "id-tokens" | "meter-samples" | "energy-hours" | "alarms" | "audit"; from: string; to: string; siteId?: string; spreadsheet?: boolean };
export type NewGuestSession = { code: string; requestId: string; provider: "stripe" | "mercado-pago" | "sandbox"; amountMinor?: number; tariff?: { tariffId: string; version: number }; language: "pt-BR" | "en" | "es"; email?: string; taxId?: string };
export type NewGuestSessionResult = { session: GuestSession; token: string };
export type NewIdToken = { idToken: string; type?: string; label?: string; groupId?: string; master?: boolean; expiresAt?: string; siteIds?: (string)[]; stationIds?: (string)[]; trusted?: boolean; maxConcurrent?: number; maxEnergyWh?: number };
export type NewInvitation = { email: string; role: "owner" | "admin" | "operations" | "billing" | "support" | "site-host" | "installer" | "driver"; siteIds?: (string)[] | null; expiresAt?: string | null; driverId?: string };
export type NewLedgerPosting = { kind: "transfer" | "write-off" | "payout" | "provider-fee" | "tax-remittance" | "rounding" | "manual"; note: string; occurredAt?: string; paymentId?: string; entries: (LedgerEntry)[] };
export type NewOwnPayment = { requestId: string; account?: string; currency: string; amountMinor: number; provider: "stripe" | "mercado-pago" | "sandbox"; language?: "pt-BR" | "en" | "es" };
export type NewPasskey = { credential: { id: string; rawId: string; type: "public-key"; response: Record<string, unknown>; clientExtensionResults?: Record<string, unknown>; authenticatorAttachment?: string | null }; name: string };
export type NewPassword = { password: string; tellStation?: boolean; siteId?: string };
export type NewReceipt = { cdrId?: string; postingId?: string; customer?: ReceiptCustomer };
export type NewRefund = { amountMinor: number; reason: string };
export type NewReservation = { evseId?: number; connectorType?: string; idToken: { idToken: string; type?: string }; groupIdToken?: { idToken: string; type?: string }; expiresAt: string };
export type NewResolution = { action: "merge" | "resume-journal" | "replay" | "done" | "not-done" | "accept" | "write-off" | "discard"; intoTransactionId?: string; note?: string };
export type NewReversal = { note: string };
export type NewStatement = { account: string; currency?: string; month?: string; from?: string; to?: string };
export type NewStation = { siteId?: string; identity: string; registration?: "Accepted" | "Pending" | "Rejected"; retryIntervalS?: number };
export type NewStationTemplate = { name: string; vendor?: string; model?: string; firmware?: string; siteIds?: (string)[]; priority?: number; variables: ({ component?: string; componentInstance?: string; evseId?: number; connectorId?: number; variable: string; variableInstance?: string; key16?: string; value: string })[] };
export type NewTariff = { name: string; terms: TariffTerms; validFrom?: string; validTo?: string };
export type NewTariffAssignment = { tariffId: string; target: TariffTarget };
export type NewWebhookEndpoint = { url: string; description?: string; eventTypes?: (string)[] };
export type Operator = { operatorId: string; name: string; legalName: string | null; taxId: string | null; country: string; address: string | null; currency: string; timeZone: string; receiptFooter: string | null };
export type OperatorPatch = { name?: string; legalName?: string | null; taxId?: string | null; country?: string; address?: string | null; currency?: string; timeZone?: string; receiptFooter?: string | null };
export type OwnCdr = { cdrId: string; number: number; status: "standing" | "corrected"; transactionId: string; corrects: string | null; correctedBy: string | null; createdAt: string; idToken: string | null; startedAt: string; endedAt: string; timeQuality: "station" | "er" | "estimated"; energyWh: number; energyQuality: "registers" | "readings" | "decided"; flags: (string)[]; currency: string; netMinor: number; taxMinor: number; totalMinor: number; tax: { name: string; rateBp: number; included: boolean } | null; lines: (CdrLine)[]; siteId: string; siteName: string; timeZone: string; stationId: string; stationName: string; evseId: number; payer: "driver" | "fleet" | "other" };
export type OwnDebt = { account: string; idToken: string | null; currency: string; owedMinor: number; ways: ({ provider: "stripe" | "mercado-pago" | "sandbox"; method: "card" | "pix" | "sandbox"; leastMinor: number })[]; openPaymentId: string | null };
export type OwnErasureRequest = { erasureRequestedAt: string | null };
export type OwnIdToken = { idToken: string; type: string | null; status: "Accepted" | "Blocked"; label: string | null; expiresAt: string | null };
export type OwnPayment = { paymentId: string; account: string; provider: "stripe" | "mercado-pago" | "sandbox"; method: "card" | "pix" | "sandbox"; flow: "authorize" | "prepay"; status: "created" | "pending" | "authorized" | "paid" | "captured" | "partially_refunded" | "refunded" | "cancelled" | "failed" | "expired" | "disputed"; currency: string; amountMinor: number; capturedMinor: number; refundedMinor: number; refundPendingMinor: number; declineCode: string | null; checkoutUrl: string | null; pixCode: string | null; pixQrSvg: string | null; expiresAt: string; open: boolean; hasReceipt: boolean; createdAt: string; paidAt: string | null };
export type OwnProfile = { driverId: string; status: "active" | "blocked" | "erased"; operatorName: string; name: string | null; email: string | null; phone: string | null; taxId: string | null; language: string; createdAt: string; erasureRequestedAt: string | null; balances: (LedgerBalance)[] };
export type OwnStatement = { statementId: string; number: number; currency: string; from: string; to: string; timeZone: string; openingMinor: number; chargesMinor: number; paymentsMinor: number; otherMinor: number; closingMinor: number; cdrCount: number; energyWh: number; createdAt: string };
export type OwnStatementDetail = { statement: OwnStatement; lines: (StatementLine)[]; linesTruncated: boolean };
export type OwnTransaction = { transactionId: string; siteId: string; siteName: string; timeZone: string; stationId: string; stationName: string; evseId: number; status: "active" | "ended"; chargingState: string | null; startedAt: string; endedAt: string | null; energyWh: number | null; powerW: number | null; socPercent: number | null; heardAt: string | null; billing: "pending" | "held" | "billed" | "none" | null; cdrId: string | null; totalMinor: number | null; currency: string | null };
export type OwnTransactionDetail = { transaction: OwnTransaction; tariffName: string | null; price: Price | null; cdr: OwnCdr | null };
export type Passkey = { passkeyId: string; name: string; backedUp: boolean; createdAt: string };
export type PasskeyOptions = Record<string, unknown>;
export type PasskeySignIn = { credential: { id: string; rawId: string; type: "public-key"; response: Record<string, unknown>; clientExtensionResults?: Record<string, unknown>; authenticatorAttachment?: string | null } };
export type PasswordChange = { password: string; newPassword: string };
export type PasswordOnly = { password: string };
export type PasswordReset = { token: string; password: string };
export type PasswordResetRequest = { email: string };
export type PasswordSignIn = { email: string; password: string; remember?: boolean };
export type Payment = { paymentId: string; account: string; siteId: string | null; stationId: string | null; provider: "stripe" | "mercado-pago" | "sandbox"; flow: "authorize" | "prepay"; status: "created" | "pending" | "authorized" | "paid" | "captured" | "partially_refunded" | "refunded" | "cancelled" | "failed" | "expired" | "disputed"; currency: string; amountMinor: number; authorizedMinor: number; capturedMinor: number; refundedMinor: number; feeMinor: number | null; feesByHand: boolean; keepMinor: number | null; keepReason: string | null; declineCode: string | null; providerPaymentId: string | null; flags: (string)[]; lastError: string | null; createdAt: string; expiresAt: string; paidAt: string | null; updatedAt: string };
export type PaymentCancellation = { reason: string };
export type PaymentDetail = { payment: Payment; refunds: (Refund)[]; fees: ({ currency: string; feeMinor: number })[]; refundableMinor: number; guest: { guestSessionId: string; state: string; reason: string | null; idToken: string; commandId: string | null; transactionId: string | null; cdrId: string | null; priceMinor: number | null } | null };
export type PaymentEvent = { eventId: string; providerId: string; providerEventId: string; type: string; paymentId: string | null; occurredAt: string | null; receivedAt: string; outcome: "applied" | "unchanged" | "not-ours" | "unknown-payment" | "failed" | null; deliveries: number; processedAt: string | null; lastError: string | null };
export type PaymentFinding = { findingId: string; paymentId: string; siteId: string | null; kind: "webhook-missing" | "provider-unreachable" | "provider-refused" | "amount-differs" | "refund-failed" | "shortfall" | "late-transaction" | "disputed" | "currency-differs"; detail: unknown; repaired: boolean; foundAt: string; resolvedAt: string | null; resolvedBy: string | null; note: string | null };
export type PaymentFindingResolution = { note: string };
export type PaymentProvider = { providerId: string; kind: "stripe" | "mercado-pago" | "sandbox"; enabled: boolean; settings: PaymentProviderSettings; secretHints: Record<string, string>; webhookUrl: string; booksPayouts: boolean; payoutsReadAt: string | null; payoutsError: string | null; createdAt: string; updatedAt: string };
export type PaymentProviderPut = { enabled?: boolean; settings: PaymentProviderSettings; secrets?: { secretKey?: string; accessToken?: string; webhookSecret?: string } };
export type PaymentProviderSettings = { currency: string; defaultAmountMinor: number; minAmountMinor: number; maxAmountMinor: number; payMinutes: number; payerEmail?: string; bookPayouts?: boolean; flow?: "authorize" | "prepay" };
export type Person = { userId: string; email: string; name: string; emailVerified: boolean; twoFactor: boolean };
export type PersonPatch = { name: string };
export type PolicyKey = { publicKey: string };
export type Price = { currency: string; netMinor: number; taxMinor: number; totalMinor: number; energyWh: number; chargingS: number; idleS: number; lines: (PriceLine)[]; flags: ("cheaper-band" | "energy-only" | "energy-unknown" | "register-fell" | "site-price" | "site-price-unknown")[] };
export type PriceLine = { component: "start" | "energy" | "charging-time" | "idle-time" | "minimum" | "maximum"; elementIndex: number | null; from: string; to: string; quantity: number; unit: "Wh" | "s" | "start" | "adjustment"; priceMicro: number; amountMinor: number };
export type Problem = { type: string; title: string; status: number; code: string; detail: string; instance: string; errors?: ({ pointer: string; message: string })[] };
export type Receipt = { receiptId: string; number: number; code: string; kind: "cdr" | "payment"; cdrId: string | null; postingId: string | null; currency: string; amountMinor: number; customerName: string | null; customerTaxId: string | null; issuedAt: string; replacedBy: number | null };
export type ReceiptCheck = { code: string; number: number; kind: "cdr" | "payment"; issuerName: string; issuerTaxId: string | null; issuedAt: string; timeZone: string; startedAt: string | null; endedAt: string | null; energyWh: number | null; currency: string; amountMinor: number; standing: boolean };
export type ReceiptCustomer = { name?: string | null; taxId?: string | null };
export type Refund = { refundId: string; paymentId: string; amountMinor: number; currency: string; status: "requested" | "pending" | "succeeded" | "failed"; reason: string; requestedBy: string; providerRefundId: string | null; failure: string | null; createdAt: string; updatedAt: string };
export type ReportedChargingProfile = { stationId: string; evseId: number; source: string; chargingProfile: Record<string, unknown>; reportedAt: string };
export type Reservation = { reservationId: number; operatorId: string; siteId: string; stationId: string; evseId: number | null; connectorType: string | null; idToken: string; idTokenType: string | null; groupId: string | null; expiresAt: string; state: "requested" | "accepted" | "rejected" | "failed" | "used" | "cancelled" | "expired" | "removed"; reason: string | null; transactionId: string | null; commandId: string; cancelCommandId: string | null; issuedBy: string; createdAt: string };
export type Review = { reviewId: string; status: "open" | "resolved"; kind: "conflicting-stop" | "orphan-stop" | "start-missing" | "stop-missing" | "matched-by-guess" | "changed-after-review" | "time-implausible" | "schema-violation" | "unknown-token-debt" | "command-uncertain" | "entry-parked" | "journal-halted" | "journal-gap" | "journal-shed" | "journal-set-aside"; kinds: ("conflicting-stop" | "orphan-stop" | "start-missing" | "stop-missing" | "matched-by-guess" | "changed-after-review" | "time-implausible" | "schema-violation" | "unknown-token-debt" | "command-uncertain" | "entry-parked" | "journal-halted" | "journal-gap" | "journal-shed" | "journal-set-aside")[]; information: boolean; at: string; operatorId: string; siteId: string; erId: string; stationId: string | null; transaction: Transaction | null; command: Command | null; journal: ReviewJournal | null; actions: ("merge" | "resume-journal" | "replay" | "done" | "not-done" | "accept" | "write-off" | "discard")[]; resolution: ReviewResolution | null };
export type ReviewDetail = { review: Review; suggestions: (ReviewSuggestion)[]; resolutions: (ReviewResolution)[] };
export type ReviewJournal = { journalId: string; firstSeq: number | null; lastSeq: number | null; entries: number | null; reason: string | null; entry: string | null; file: string | null };
export type ReviewResolution = { action: "merge" | "resume-journal" | "replay" | "done" | "not-done" | "accept" | "write-off" | "discard"; actor: string; at: string; note: string | null; intoTransactionId: string | null };
export type ReviewSuggestion = { transaction: Transaction; reason: "same-id" | "open" | "ended"; energyWhAfter: number | null };
export type ReviewSummary = { open: number; kinds: ({ kind: "conflicting-stop" | "orphan-stop" | "start-missing" | "stop-missing" | "matched-by-guess" | "changed-after-review" | "time-implausible" | "schema-violation" | "unknown-token-debt" | "command-uncertain" | "entry-parked" | "journal-halted" | "journal-gap" | "journal-shed" | "journal-set-aside"; open: number; information: boolean })[]; unattributedWh: number; unattributedUnknown: number };
export type RevokedSessions = { revoked: number };
export type Sample = { at: string; energyImportWh: number | null; powerW: number | null; currentPhasesMa: (number)[] | null; voltagePhasesMv: (number)[] | null; socPercent: number | null };
export type SecondFactor = { method: "totp" | "backup-code"; code: string };
export type SecretRotation = { keepOldForS?: number };
export type Session = { sessionId: string; current: boolean; address: string | null; userAgent: string | null; createdAt: string; expiresAt: string };
export type SetAside = { at: string; file: string; reason: string; journalId: string | null; lastSeq: number | null };
export type Setup = { code: string; email: string; name: string; password: string };
export type SetupState = { ownerNeeded: boolean };
export type SignInMethods = { password: boolean; passkeys: boolean; sso: { name: string } | null; mail: boolean };
export type SignInStep = { next: "done" | "second-factor" };
export type SignedInState = { person: Person | null; operators: ({ operatorId: string; name: string; role: string })[] };
export type Site = { siteId: string; operatorId: string; name: string; timeZone: string; erOnline: boolean; stationCount: number; stationsOnline: number; stationsFaulted: number; connectorCount: number; activeTransactions: number; powerW: number; energyTodayWh: number; rules: SiteRules; policyVersion: number };
export type SitePatch = { unknownToken?: "allow" | "cap" | "deny"; unknownCap?: { energyWh: number; durationS: number; startsPerDay: number; siteEnergyWhPerDay: number }; revocation?: { rule: "finish" | "stop-now" | "min-energy"; energyWh: number }; defaultLimitA?: number | null; staleAfterS?: number; oldAfterS?: number };
export type SiteRules = { unknownToken: "allow" | "cap" | "deny"; unknownCap: { energyWh: number; durationS: number; startsPerDay: number; siteEnergyWhPerDay: number }; revocation: { rule: "finish" | "stop-now" | "min-energy"; energyWh: number }; defaultLimitA: number | null; staleAfterS: number; oldAfterS: number };
export type SsoStart = { returnTo?: string };
export type Statement = { statementId: string; number: number; currency: string; from: string; to: string; timeZone: string; openingMinor: number; chargesMinor: number; paymentsMinor: number; otherMinor: number; closingMinor: number; cdrCount: number; energyWh: number; createdAt: string; account: string; createdBy: string };
export type StatementDetail = { statement: Statement; lines: (StatementLine)[]; linesTruncated: boolean };
export type StatementLine = { bookedAt: string; kind: string; reference: string; amountMinor: number; note: string | null; cdrId: string | null; cdrNumber: number | null; transactionId: string | null; stationId: string | null; startedAt: string | null; endedAt: string | null; energyWh: number | null };
export type Station = { stationId: string; identity: string; siteId: string; erId: string; operatorId: string; online: boolean; onlineChangedAt: string | null; lastMessageAt: string | null; protocol: string | null; vendor: string | null; model: string | null; serialNumber: string | null; firmwareVersion: string | null; bootedAt: string | null; clockSkewMs: number | null; firmwareStatus: string | null; firmwareStatusAt: string | null; logStatus: string | null; logStatusAt: string | null; registration: "Accepted" | "Pending" | "Rejected"; registrationTold: string | null; retryIntervalS: number | null; configurationDrift: number; connectors: (Connector)[] };
export type StationConfiguration = { stationId: string; protocol: string | null; driftCount: number; values: (ConfigurationValue)[]; truncated: boolean };
export type StationEvent = { eventId: string; siteId: string; stationId: string; at: string; toldAt: string | null; kind: string; type: string; severity: number | null; cleared: boolean | null; evseId: number | null; detail: unknown };
export type StationPassword = { stationId: string; state: "configured" | "set" | "changing"; setAt: string | null; commandId: string | null };
export type StationRegistration = { status: "Accepted" | "Pending" | "Rejected"; retryIntervalS?: number; siteId?: string };
export type StationReport = { stationId: string; at: string; of: string; requestId: number | null; seqNo: number | null; last: boolean; action: string; payload: unknown };
export type StationTariff = { stationId: string; timeZone: string; tariff: ApplicableTariff | null };
export type StationTemplate = { templateId: string; operatorId: string; name: string; vendor: string | null; model: string | null; firmware: string | null; siteIds: (string)[] | null; priority: number; variables: ({ component?: string; componentInstance?: string; evseId?: number; connectorId?: number; variable: string; variableInstance?: string; key16?: string; value: string })[]; createdAt: string; updatedAt: string };
export type StationTemplatePatch = { name?: string; vendor?: string | null; model?: string | null; firmware?: string | null; siteIds?: (string)[] | null; priority?: number; variables?: ({ component?: string; componentInstance?: string; evseId?: number; connectorId?: number; variable: string; variableInstance?: string; key16?: string; value: string })[] };
export type StationVariable = { stationId: string; component: string; componentInstance: string | null; evseId: number | null; connectorId: number | null; variable: string; variableInstance: string | null; attribute: string; value: string | null; secret: boolean; mutability: string | null; unit: string | null; dataType: string | null; readAt: string; source: string };
export type Tariff = { tariffId: string; operatorId: string; name: string; version: number; currentVersion: number | null; validFrom: string; validTo: string | null; terms: TariffTerms; assignments: number; createdAt: string; updatedAt: string };
export type TariffAssignment = { assignmentId: string; tariffId: string; tariffName: string; basis: "group" | "station" | "site" | "operator"; siteId: string | null; stationId: string | null; groupId: string | null; assignedFrom: string; assignedUntil: string | null; assignedBy: string };
export type TariffPreview = { startedAt?: string; siteId?: string; timeZone?: string; chargingMinutes: number; idleMinutes?: number; energyWh?: number; powerW?: number; curve?: ({ minute: number; powerW: number })[] };
export type TariffTarget = { siteId?: string; stationId?: string; groupId?: string };
export type TariffTerms = { currency: string; elements: ({ startFeeMicro?: number; perKwhMicro?: number; perChargingMinuteMicro?: number; perIdleMinuteMicro?: number; restrictions?: { daysOfWeek?: (number)[]; from?: string; to?: string } })[]; freeMinutes?: number; idleGraceMinutes?: number; minimumMinor?: number; maximumMinor?: number; tax?: { name: string; rateBp: number; included: boolean } };
export type TariffVersion = { tariffId: string; version: number; validFrom: string; validTo: string | null; terms: TariffTerms; createdAt: string; createdBy: string };
export type TermsPreview = { startedAt?: string; siteId?: string; timeZone?: string; chargingMinutes: number; idleMinutes?: number; energyWh?: number; powerW?: number; curve?: ({ minute: number; powerW: number })[]; terms: TariffTerms };
export type TokenOnly = { token: string };
export type TotpSecret = { totpUri: string; backupCodes: (string)[] };
export type Transaction = { transactionId: string; ocppTransactionId: string | null; operatorId: string; siteId: string; stationId: string; evseId: number; connectorId: number | null; status: "active" | "ended"; chargingState: string | null; startedAt: string; startedAtRaw: string | null; endedAt: string | null; endedAtRaw: string | null; timeQuality: "station" | "er" | "estimated"; endedUnseen: boolean; meterStartWh: number | null; meterStopWh: number | null; meterStopOtherWh: number | null; energyWh: number | null; powerW: number | null; socPercent: number | null; idToken: string | null; authorizedBy: string; authorizationStatus: string | null; authorizationReason: string | null; capEnergyWh: number | null; capDurationS: number | null; revokedReason: string | null; stoppedReason: string | null; flags: (string)[]; needsReview: boolean; mergedInto: string | null; writtenOff: boolean };
export type TransactionBilling = { status: "pending" | "held" | "billed" | "none"; reasons: (string)[]; cdrId: string | null };
export type TransactionDetail = { transaction: Transaction; samples: (Sample)[]; samplesTruncated: boolean; price: TransactionPrice | null; billing: TransactionBilling | null };
export type TransactionPrice = { tariffId: string; tariffVersion: number; tariffName: string; assignedBy: "group" | "station" | "site" | "operator" | "offer" | "shown"; price: Price };
export type User = { userId: string; email: string; name: string; emailVerified: boolean; twoFactor: boolean; role: "owner" | "admin" | "operations" | "billing" | "support" | "site-host" | "installer" | "driver"; siteIds: (string)[] | null; expiresAt: string | null; createdAt: string };
export type UserPatch = { role?: "owner" | "admin" | "operations" | "billing" | "support" | "site-host" | "installer" | "driver"; siteIds?: (string)[] | null; expiresAt?: string | null };
export type WebhookDelivery = { deliveryId: string; endpointId: string; eventId: string; type: string; siteId: string | null; happenedAt: string; data: unknown; status: "pending" | "delivered" | "failed"; attempts: number; createdAt: string; nextAt: string | null; lastAt: string | null; lastStatus: number | null; lastError: string | null; lastResponse: string | null; finishedAt: string | null };
export type WebhookEndpoint = { endpointId: string; url: string; description: string | null; eventTypes: (string)[]; enabled: boolean; disabledBecause: "gone" | "by-person" | null; failingSince: string | null; oldSecretUntil: string | null; pending: number; failed: number; createdAt: string; updatedAt: string };
export type WebhookEndpointPatch = { url?: string; description?: string | null; eventTypes?: (string)[]; enabled?: boolean };
export type WebhookEndpointWithSecret = { endpointId: string; url: string; description: string | null; eventTypes: (string)[]; enabled: boolean; disabledBecause: "gone" | "by-person" | null; failingSince: string | null; oldSecretUntil: string | null; pending: number; failed: number; createdAt: string; updatedAt: string; secret: string | null };
export type WebhookReplay = { since: string };
export type WebhookType = { type: "transaction.started" | "transaction.ended" | "station.online" | "station.offline" | "command.finished" | "alarm.raised" | "alarm.cleared" | "cdr.created" | "cdr.corrected" | "statement.created" | "payment.authorized" | "payment.captured" | "payment.cancelled" | "payment.refunded" | "payment.failed" | "webhook.test"; words: string };

export type Operations = {
  getSignInMethods: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: SignInMethods };
  getSignedIn: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: SignedInState };
  signIn: { path: Record<string, unknown>; query: Record<string, unknown>; body: PasswordSignIn; answer: SignInStep };
  signInSecondFactor: { path: Record<string, unknown>; query: Record<string, unknown>; body: SecondFactor; answer: SignInStep };
  signOut: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: Done };
  requestPasswordReset: { path: Record<string, unknown>; query: Record<string, unknown>; body: PasswordResetRequest; answer: Done };
  resetPassword: { path: Record<string, unknown>; query: Record<string, unknown>; body: PasswordReset; answer: Done };
  getPasskeySignInOptions: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: PasskeyOptions };
  signInWithPasskey: { path: Record<string, unknown>; query: Record<string, unknown>; body: PasskeySignIn; answer: SignInStep };
  startSingleSignOn: { path: Record<string, unknown>; query: Record<string, unknown>; body: SsoStart; answer: { url: string } };
  getSetup: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: SetupState };
  setUp: { path: Record<string, unknown>; query: Record<string, unknown>; body: Setup; answer: SignInStep };
  getMe: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: Me };
  updateMe: { path: Record<string, unknown>; query: Record<string, unknown>; body: PersonPatch; answer: Person };
  listMySessions: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: { items: (Session)[] } };
  revokeMyOtherSessions: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: RevokedSessions };
  revokeMySession: { path: { sessionId: string }; query: Record<string, unknown>; body: undefined; answer: RevokedSessions };
  changePassword: { path: Record<string, unknown>; query: Record<string, unknown>; body: PasswordChange; answer: Done };
  enrolTotp: { path: Record<string, unknown>; query: Record<string, unknown>; body: PasswordOnly; answer: TotpSecret };
  confirmTotp: { path: Record<string, unknown>; query: Record<string, unknown>; body: CodeOnly; answer: Done };
  disableTotp: { path: Record<string, unknown>; query: Record<string, unknown>; body: PasswordOnly; answer: Done };
  renewBackupCodes: { path: Record<string, unknown>; query: Record<string, unknown>; body: PasswordOnly; answer: BackupCodes };
  listMyPasskeys: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: { items: (Passkey)[] } };
  addPasskey: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewPasskey; answer: Passkey };
  getPasskeyOptions: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: PasskeyOptions };
  removePasskey: { path: { passkeyId: string }; query: Record<string, unknown>; body: undefined; answer: Done };
  requestEmailVerification: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: Done };
  confirmEmail: { path: Record<string, unknown>; query: Record<string, unknown>; body: TokenOnly; answer: Done };
  listUsers: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; role?: string }; body: undefined; answer: { items: (User)[]; nextCursor: string | null } };
  getUser: { path: { userId: string }; query: Record<string, unknown>; body: undefined; answer: User };
  updateUser: { path: { userId: string }; query: Record<string, unknown>; body: UserPatch; answer: User };
  removeUser: { path: { userId: string }; query: Record<string, unknown>; body: undefined; answer: User };
  revokeUserSessions: { path: { userId: string }; query: Record<string, unknown>; body: undefined; answer: RevokedSessions };
  createInvitation: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewInvitation; answer: MadeInvitation };
  listInvitations: { path: Record<string, unknown>; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (Invitation)[]; nextCursor: string | null } };
  revokeInvitation: { path: { invitationId: string }; query: Record<string, unknown>; body: undefined; answer: Invitation };
  lookUpInvitation: { path: Record<string, unknown>; query: Record<string, unknown>; body: TokenOnly; answer: InvitationToMe };
  acceptInvitation: { path: Record<string, unknown>; query: Record<string, unknown>; body: AcceptInvitation; answer: SignInStep };
  listApiKeys: { path: Record<string, unknown>; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (ApiKey)[]; nextCursor: string | null } };
  createApiKey: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewApiKey; answer: MadeApiKey };
  revokeApiKey: { path: { keyId: string }; query: Record<string, unknown>; body: undefined; answer: ApiKey };
  listAuditEntries: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; actor?: string; action?: string; subject?: string; from?: string; to?: string }; body: undefined; answer: { items: (AuditEntry)[]; nextCursor: string | null } };
  exportAudit: { path: Record<string, unknown>; query: { actor?: string; action?: string; subject?: string; from?: string; to?: string }; body: undefined; answer: null };
  listSites: { path: Record<string, unknown>; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (Site)[]; nextCursor: string | null } };
  getSite: { path: { siteId: string }; query: Record<string, unknown>; body: undefined; answer: Site };
  updateSite: { path: { siteId: string }; query: Record<string, unknown>; body: SitePatch; answer: Site };
  getPolicyKey: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: PolicyKey };
  listErs: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; siteId?: string }; body: undefined; answer: { items: (Er)[]; nextCursor: string | null } };
  getEr: { path: { erId: string }; query: Record<string, unknown>; body: undefined; answer: Er };
  listErHealth: { path: { erId: string }; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (ErHealth)[]; nextCursor: string | null } };
  listStations: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; siteId?: string }; body: undefined; answer: { items: (Station)[]; nextCursor: string | null } };
  createStation: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewStation; answer: Station };
  getStation: { path: { stationId: string }; query: Record<string, unknown>; body: undefined; answer: Station };
  listConnectors: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; siteId?: string; stationId?: string; status?: "Available" | "Occupied" | "Reserved" | "Unavailable" | "Faulted" }; body: undefined; answer: { items: (Connector)[]; nextCursor: string | null } };
  listMessages: { path: { stationId: string }; query: { limit?: number; cursor?: string; action?: string; kind?: string }; body: undefined; answer: { items: (Message)[]; nextCursor: string | null } };
  setStationRegistration: { path: { stationId: string }; query: Record<string, unknown>; body: StationRegistration; answer: Station };
  getStationPassword: { path: { stationId: string }; query: Record<string, unknown>; body: undefined; answer: StationPassword };
  setStationPassword: { path: { stationId: string }; query: Record<string, unknown>; body: NewPassword; answer: StationPassword };
  deleteStationPassword: { path: { stationId: string }; query: Record<string, unknown>; body: undefined; answer: StationPassword };
  getLocalList: { path: { stationId: string }; query: Record<string, unknown>; body: undefined; answer: LocalList };
  listReservations: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; siteId?: string; state?: "requested" | "accepted" | "rejected" | "failed" | "used" | "cancelled" | "expired" | "removed"; stationId?: string }; body: undefined; answer: { items: (Reservation)[]; nextCursor: string | null } };
  listStationReservations: { path: { stationId: string }; query: { limit?: number; cursor?: string; state?: "requested" | "accepted" | "rejected" | "failed" | "used" | "cancelled" | "expired" | "removed" }; body: undefined; answer: { items: (Reservation)[]; nextCursor: string | null } };
  createReservation: { path: { stationId: string }; query: Record<string, unknown>; body: NewReservation; answer: Reservation };
  getReservation: { path: { stationId: string; reservationId: number }; query: Record<string, unknown>; body: undefined; answer: Reservation };
  cancelReservation: { path: { stationId: string; reservationId: number }; query: Record<string, unknown>; body: undefined; answer: Reservation };
  createChargingProfile: { path: { stationId: string }; query: Record<string, unknown>; body: NewChargingProfile; answer: ChargingProfile };
  listChargingProfiles: { path: { stationId: string }; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (ChargingProfile)[]; nextCursor: string | null } };
  replaceChargingProfile: { path: { stationId: string; profileId: number }; query: Record<string, unknown>; body: NewChargingProfile; answer: ChargingProfile };
  clearChargingProfile: { path: { stationId: string; profileId: number }; query: Record<string, unknown>; body: undefined; answer: ChargingProfile };
  getChargingProfile: { path: { stationId: string; profileId: number }; query: Record<string, unknown>; body: undefined; answer: ChargingProfile };
  listReportedChargingProfiles: { path: { stationId: string }; query: Record<string, unknown>; body: undefined; answer: { items: (ReportedChargingProfile)[] } };
  listStationReports: { path: { stationId: string }; query: { limit?: number; cursor?: string; of?: "variables" | "monitoring" | "customer" | "display" | "profiles" | "der" | "firmware" | "publish" | "log"; requestId?: number }; body: undefined; answer: { items: (StationReport)[]; nextCursor: string | null } };
  listStationVariables: { path: { stationId: string }; query: { limit?: number; cursor?: string; component?: string; variable?: string }; body: undefined; answer: { items: (StationVariable)[]; nextCursor: string | null } };
  listStationEvents: { path: { stationId: string }; query: { limit?: number; cursor?: string; kind?: "security-event" | "event" | "charging-limit" | "charging-needs" | "firmware-status" | "publish-status" | "log-status" | "reservation" }; body: undefined; answer: { items: (StationEvent)[]; nextCursor: string | null } };
  listEvents: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; kind?: "security-event" | "event" | "charging-limit" | "charging-needs" | "firmware-status" | "publish-status" | "log-status" | "reservation"; siteId?: string }; body: undefined; answer: { items: (StationEvent)[]; nextCursor: string | null } };
  listCertificateRequests: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; state?: "open" | "answered"; siteId?: string; stationId?: string }; body: undefined; answer: { items: (CertificateRequest)[]; nextCursor: string | null } };
  listTariffs: { path: Record<string, unknown>; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (Tariff)[]; nextCursor: string | null } };
  createTariff: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewTariff; answer: Tariff };
  getTariff: { path: { tariffId: string }; query: Record<string, unknown>; body: undefined; answer: Tariff };
  publishTariffVersion: { path: { tariffId: string }; query: Record<string, unknown>; body: NewTariff; answer: Tariff };
  deleteTariff: { path: { tariffId: string }; query: Record<string, unknown>; body: undefined; answer: Tariff };
  listTariffVersions: { path: { tariffId: string }; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (TariffVersion)[]; nextCursor: string | null } };
  listTariffAssignments: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; tariffId?: string; siteId?: string; ended?: boolean }; body: undefined; answer: { items: (TariffAssignment)[]; nextCursor: string | null } };
  assignTariff: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewTariffAssignment; answer: TariffAssignment };
  getStationTariff: { path: { stationId: string }; query: { idToken?: string; at?: string }; body: undefined; answer: StationTariff };
  unassignTariff: { path: { assignmentId: string }; query: Record<string, unknown>; body: undefined; answer: TariffAssignment };
  previewTariff: { path: { tariffId: string }; query: Record<string, unknown>; body: TariffPreview; answer: Price };
  previewTerms: { path: Record<string, unknown>; query: Record<string, unknown>; body: TermsPreview; answer: Price };
  listStationTemplates: { path: Record<string, unknown>; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (StationTemplate)[]; nextCursor: string | null } };
  createStationTemplate: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewStationTemplate; answer: StationTemplate };
  getStationTemplate: { path: { templateId: string }; query: Record<string, unknown>; body: undefined; answer: StationTemplate };
  updateStationTemplate: { path: { templateId: string }; query: Record<string, unknown>; body: StationTemplatePatch; answer: StationTemplate };
  deleteStationTemplate: { path: { templateId: string }; query: Record<string, unknown>; body: undefined; answer: StationTemplate };
  getStationConfiguration: { path: { stationId: string }; query: { drift?: boolean }; body: undefined; answer: StationConfiguration };
  listTransactions: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; siteId?: string; stationId?: string; idToken?: string; driverId?: string; status?: "active" | "ended"; needsReview?: boolean }; body: undefined; answer: { items: (Transaction)[]; nextCursor: string | null } };
  getTransaction: { path: { transactionId: string }; query: Record<string, unknown>; body: undefined; answer: TransactionDetail };
  listMeters: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; siteId?: string }; body: undefined; answer: { items: (Meter)[]; nextCursor: string | null } };
  getMeter: { path: { meterId: string }; query: Record<string, unknown>; body: undefined; answer: Meter };
  listMeterSamples: { path: { meterId: string }; query: { cursor?: string; limit?: number; from?: string; to?: string }; body: undefined; answer: { items: (MeterSample)[]; nextCursor: string | null } };
  listCommandKinds: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: { items: ({ kind: string; ttlSeconds: number; waitsForStation: boolean; protocols: ("ocpp1.6" | "ocpp2.0.1" | "ocpp2.1")[]; params: Record<string, unknown>; example: Record<string, unknown> })[] } };
  listOcppActions: { path: { protocol: string }; query: Record<string, unknown>; body: undefined; answer: { items: ({ action: string; fromStation: boolean })[] } };
  getOcppAction: { path: { protocol: string; action: string }; query: Record<string, unknown>; body: undefined; answer: { action: string; request: Record<string, unknown>; response: Record<string, unknown> } };
  createCommand: { path: { stationId: string }; query: Record<string, unknown>; body: NewCommand; answer: Command };
  listStationCommands: { path: { stationId: string }; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (Command)[]; nextCursor: string | null } };
  listCommands: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; siteId?: string; stationId?: string; status?: string }; body: undefined; answer: { items: (Command)[]; nextCursor: string | null } };
  getCommand: { path: { commandId: string }; query: Record<string, unknown>; body: undefined; answer: CommandDetail };
  listReviews: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; kind?: "conflicting-stop" | "orphan-stop" | "start-missing" | "stop-missing" | "matched-by-guess" | "changed-after-review" | "time-implausible" | "schema-violation" | "unknown-token-debt" | "command-uncertain" | "entry-parked" | "journal-halted" | "journal-gap" | "journal-shed" | "journal-set-aside"; siteId?: string; stationId?: string; status?: "open" | "resolved" }; body: undefined; answer: { items: (Review)[]; nextCursor: string | null } };
  getReviewSummary: { path: Record<string, unknown>; query: { siteId?: string }; body: undefined; answer: ReviewSummary };
  getReview: { path: { reviewId: string }; query: Record<string, unknown>; body: undefined; answer: ReviewDetail };
  resolveReview: { path: { reviewId: string }; query: Record<string, unknown>; body: NewResolution; answer: ReviewDetail };
  listIdTokenGroups: { path: Record<string, unknown>; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (IdTokenGroup)[]; nextCursor: string | null } };
  listIdTokens: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; q?: string; status?: "Accepted" | "Blocked"; groupId?: string; driverId?: string }; body: undefined; answer: { items: (IdToken)[]; nextCursor: string | null } };
  createIdToken: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewIdToken; answer: IdToken };
  getIdToken: { path: { idToken: string }; query: Record<string, unknown>; body: undefined; answer: IdToken };
  updateIdToken: { path: { idToken: string }; query: Record<string, unknown>; body: IdTokenPatch; answer: IdToken };
  listDrivers: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; q?: string; status?: "active" | "blocked" | "erased"; groupId?: string; erasureRequested?: boolean }; body: undefined; answer: { items: (Driver)[]; nextCursor: string | null } };
  createDriver: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewDriver; answer: Driver };
  getDriver: { path: { driverId: string }; query: Record<string, unknown>; body: undefined; answer: DriverDetail };
  updateDriver: { path: { driverId: string }; query: Record<string, unknown>; body: DriverPatch; answer: Driver };
  listDriverIdTokens: { path: { driverId: string }; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (IdToken)[]; nextCursor: string | null } };
  attachIdToken: { path: { driverId: string; idToken: string }; query: Record<string, unknown>; body: undefined; answer: Driver };
  detachIdToken: { path: { driverId: string; idToken: string }; query: Record<string, unknown>; body: undefined; answer: Driver };
  exportDriverData: { path: { driverId: string }; query: Record<string, unknown>; body: undefined; answer: Record<string, unknown> };
  eraseDriver: { path: { driverId: string }; query: Record<string, unknown>; body: NewDriverErasure; answer: DriverErasure };
  askDriverToPay: { path: { driverId: string }; query: Record<string, unknown>; body: undefined; answer: DriverPaymentRequest };
  getOwnProfile: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: OwnProfile };
  exportOwnData: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: Record<string, unknown> };
  requestOwnErasure: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: OwnErasureRequest };
  withdrawOwnErasure: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: OwnErasureRequest };
  listOwnIdTokens: { path: Record<string, unknown>; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (OwnIdToken)[]; nextCursor: string | null } };
  listOwnTransactions: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; status?: "active" | "ended" }; body: undefined; answer: { items: (OwnTransaction)[]; nextCursor: string | null } };
  getOwnTransaction: { path: { transactionId: string }; query: Record<string, unknown>; body: undefined; answer: OwnTransactionDetail };
  listOwnCdrs: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; transactionId?: string }; body: undefined; answer: { items: (OwnCdr)[]; nextCursor: string | null } };
  getOwnCdr: { path: { cdrId: string }; query: Record<string, unknown>; body: undefined; answer: OwnCdr };
  getOwnCdrReceipt: { path: { cdrId: string }; query: { language?: "pt-BR" | "en" | "es" }; body: undefined; answer: null };
  listOwnStatements: { path: Record<string, unknown>; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (OwnStatement)[]; nextCursor: string | null } };
  getOwnStatement: { path: { statementId: string }; query: Record<string, unknown>; body: undefined; answer: OwnStatementDetail };
  getOwnStatementPdf: { path: { statementId: string }; query: { language?: "pt-BR" | "en" | "es" }; body: undefined; answer: null };
  listOwnDebts: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: { items: (OwnDebt)[] } };
  listOwnPayments: { path: Record<string, unknown>; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (OwnPayment)[]; nextCursor: string | null } };
  createOwnPayment: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewOwnPayment; answer: OwnPayment };
  getOwnPayment: { path: { paymentId: string }; query: Record<string, unknown>; body: undefined; answer: OwnPayment };
  cancelOwnPayment: { path: { paymentId: string }; query: Record<string, unknown>; body: undefined; answer: OwnPayment };
  getOwnPaymentReceipt: { path: { paymentId: string }; query: { language?: "pt-BR" | "en" | "es" }; body: undefined; answer: null };
  importIdTokens: { path: Record<string, unknown>; query: { dryRun?: boolean; onError?: "reject" | "skip" }; body: string; answer: IdTokenImport };
  exportIdTokens: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: null };
  listAlarms: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; status?: "open" | "cleared"; severity?: "info" | "warning" | "critical"; siteId?: string; stationId?: string }; body: undefined; answer: { items: (Alarm)[]; nextCursor: string | null } };
  acknowledgeAlarm: { path: { alarmId: string }; query: Record<string, unknown>; body: AlarmAcknowledgement; answer: Alarm };
  listAlarmKinds: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: { items: (AlarmKind)[] } };
  listAlarmRules: { path: Record<string, unknown>; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (AlarmRule)[]; nextCursor: string | null } };
  createAlarmRule: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewAlarmRule; answer: AlarmRule };
  updateAlarmRule: { path: { ruleId: string }; query: Record<string, unknown>; body: AlarmRulePatch; answer: AlarmRule };
  deleteAlarmRule: { path: { ruleId: string }; query: Record<string, unknown>; body: undefined; answer: AlarmRule };
  listWebhookTypes: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: { items: (WebhookType)[] } };
  listWebhookEndpoints: { path: Record<string, unknown>; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (WebhookEndpoint)[]; nextCursor: string | null } };
  createWebhookEndpoint: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewWebhookEndpoint; answer: WebhookEndpointWithSecret };
  updateWebhookEndpoint: { path: { endpointId: string }; query: Record<string, unknown>; body: WebhookEndpointPatch; answer: WebhookEndpoint };
  deleteWebhookEndpoint: { path: { endpointId: string }; query: Record<string, unknown>; body: undefined; answer: WebhookEndpoint };
  rotateWebhookSecret: { path: { endpointId: string }; query: Record<string, unknown>; body: SecretRotation; answer: WebhookEndpointWithSecret };
  listWebhookDeliveries: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; endpointId?: string; status?: "pending" | "delivered" | "failed"; type?: string }; body: undefined; answer: { items: (WebhookDelivery)[]; nextCursor: string | null } };
  replayWebhookDelivery: { path: { deliveryId: string }; query: Record<string, unknown>; body: undefined; answer: WebhookDelivery };
  replayWebhookFailures: { path: { endpointId: string }; query: Record<string, unknown>; body: WebhookReplay; answer: { count: number } };
  testWebhookEndpoint: { path: { endpointId: string }; query: Record<string, unknown>; body: undefined; answer: { eventId: string } };
  getMailState: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: MailState };
  listMails: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; status?: "waiting" | "sent" | "failed"; kind?: string }; body: undefined; answer: { items: (Mail)[]; nextCursor: string | null } };
  retryMail: { path: { mailId: string }; query: Record<string, unknown>; body: undefined; answer: Mail };
  exportNow: { path: Record<string, unknown>; query: { kind: "transactions" | "cdrs" | "payments" | "id-tokens" | "meter-samples" | "energy-hours" | "alarms" | "audit"; from: string; to: string; siteId?: string; spreadsheet?: boolean }; body: undefined; answer: null };
  createExport: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewExport; answer: Export };
  listExports: { path: Record<string, unknown>; query: { limit?: number; cursor?: string }; body: undefined; answer: { items: (Export)[]; nextCursor: string | null } };
  getExport: { path: { exportId: string }; query: Record<string, unknown>; body: undefined; answer: Export };
  downloadExport: { path: { exportId: string }; query: Record<string, unknown>; body: undefined; answer: null };
  getEnergyReport: { path: Record<string, unknown>; query: { from: string; to: string; by?: "hour" | "day" | "month"; group?: "site" | "station"; siteId?: string; stationId?: string; format?: "json" | "csv" }; body: undefined; answer: { items: ({ siteId: string; stationId: string | null; start: string; energyWh: number | null; occupiedS: number | null; transactions: number | null })[] } };
  getRevenueReport: { path: Record<string, unknown>; query: { from: string; to: string; by?: "hour" | "day" | "month"; group?: "site" | "station"; siteId?: string; stationId?: string; format?: "json" | "csv" }; body: undefined; answer: { items: ({ siteId: string; stationId: string | null; start: string; currency: string; cdrs: number | null; energyWh: number | null; netMinor: number | null; taxMinor: number | null; totalMinor: number | null })[] } };
  getUtilisationReport: { path: Record<string, unknown>; query: { from: string; to: string; by?: "hour" | "day" | "month"; group?: "site" | "station"; siteId?: string; stationId?: string; format?: "json" | "csv" }; body: undefined; answer: { items: ({ siteId: string; stationId: string | null; start: string; occupiedS: number | null; availableS: number | null; utilisationBp: number | null })[] } };
  getUptimeReport: { path: Record<string, unknown>; query: { from: string; to: string; by?: "hour" | "day" | "month"; group?: "site" | "station"; siteId?: string; stationId?: string; format?: "json" | "csv" }; body: undefined; answer: { items: ({ siteId: string; stationId: string | null; start: string; onlineS: number | null; offlineS: number | null; unknownS: number | null; uptimeBp: number | null })[] } };
  listCdrs: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; siteId?: string; stationId?: string; driverId?: string; idToken?: string; payer?: string; paymentId?: string; transactionId?: string; from?: string; to?: string; status?: "standing" | "corrected" }; body: undefined; answer: { items: (Cdr)[]; nextCursor: string | null } };
  getCdr: { path: { cdrId: string }; query: Record<string, unknown>; body: undefined; answer: Cdr };
  correctCdr: { path: { cdrId: string }; query: Record<string, unknown>; body: NewCdrCorrection; answer: Cdr };
  listBillingItems: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; status?: "pending" | "held" | "billed" | "none"; siteId?: string; transactionId?: string }; body: undefined; answer: { items: (BillingItem)[]; nextCursor: string | null } };
  decideBilling: { path: { transactionId: string }; query: Record<string, unknown>; body: NewBillingDecision; answer: BillingItem };
  listLedgerAccounts: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; kind?: "driver" | "fleet" | "token" | "guest" | "unassigned" | "revenue" | "tax" | "clearing" | "bank" | "fees" | "write-off" | "rounding" | "exchange"; account?: string }; body: undefined; answer: { items: (LedgerAccount)[]; nextCursor: string | null } };
  listLedgerPostings: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; account?: string; paymentId?: string; reference?: string; from?: string; to?: string; cdrId?: string; kind?: "charge" | "payment" | "refund" | "overpayment-refund" | "chargeback" | "provider-fee" | "payout" | "write-off" | "transfer" | "tax-remittance" | "rounding" | "exchange" | "reversal" | "manual" }; body: undefined; answer: { items: (LedgerPosting)[]; nextCursor: string | null } };
  createLedgerPosting: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewLedgerPosting; answer: LedgerPosting };
  getLedgerPosting: { path: { postingId: string }; query: Record<string, unknown>; body: undefined; answer: LedgerPosting };
  reverseLedgerPosting: { path: { postingId: string }; query: Record<string, unknown>; body: NewReversal; answer: LedgerPosting };
  listStatements: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; account?: string }; body: undefined; answer: { items: (Statement)[]; nextCursor: string | null } };
  createStatement: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewStatement; answer: Statement };
  getStatement: { path: { statementId: string }; query: Record<string, unknown>; body: undefined; answer: StatementDetail };
  getStatementPdf: { path: { statementId: string }; query: { language?: "pt-BR" | "en" | "es" }; body: undefined; answer: null };
  createReceipt: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewReceipt; answer: Receipt };
  updateReceiptCustomer: { path: { receiptId: string }; query: Record<string, unknown>; body: ReceiptCustomer; answer: Receipt };
  getReceipt: { path: { receiptId: string }; query: Record<string, unknown>; body: undefined; answer: Receipt };
  getReceiptPdf: { path: { receiptId: string }; query: { language?: "pt-BR" | "en" | "es" }; body: undefined; answer: null };
  getCdrReceipt: { path: { cdrId: string }; query: { language?: "pt-BR" | "en" | "es" }; body: undefined; answer: null };
  checkReceiptCode: { path: { code: string }; query: Record<string, unknown>; body: undefined; answer: ReceiptCheck };
  getOperator: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: Operator };
  updateOperator: { path: Record<string, unknown>; query: Record<string, unknown>; body: OperatorPatch; answer: Operator };
  listPayments: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; siteId?: string; stationId?: string; status?: "created" | "pending" | "authorized" | "paid" | "captured" | "partially_refunded" | "refunded" | "cancelled" | "failed" | "expired" | "disputed"; provider?: "stripe" | "mercado-pago" | "sandbox"; account?: string }; body: undefined; answer: { items: (Payment)[]; nextCursor: string | null } };
  getPayment: { path: { paymentId: string }; query: Record<string, unknown>; body: undefined; answer: PaymentDetail };
  refundPayment: { path: { paymentId: string }; query: Record<string, unknown>; body: NewRefund; answer: Refund };
  cancelPayment: { path: { paymentId: string }; query: Record<string, unknown>; body: PaymentCancellation; answer: Payment };
  listPaymentEvents: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; paymentId?: string; outcome?: string }; body: undefined; answer: { items: (PaymentEvent)[]; nextCursor: string | null } };
  replayPaymentEvent: { path: { eventId: string }; query: Record<string, unknown>; body: undefined; answer: { eventId: string } };
  listPaymentFindings: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; repaired?: boolean }; body: undefined; answer: { items: (PaymentFinding)[]; nextCursor: string | null } };
  resolvePaymentFinding: { path: { findingId: string }; query: Record<string, unknown>; body: PaymentFindingResolution; answer: PaymentFinding };
  listPaymentProviders: { path: Record<string, unknown>; query: Record<string, unknown>; body: undefined; answer: { items: (PaymentProvider)[] } };
  getPaymentProvider: { path: { kind: "stripe" | "mercado-pago" | "sandbox" }; query: Record<string, unknown>; body: undefined; answer: PaymentProvider };
  putPaymentProvider: { path: { kind: "stripe" | "mercado-pago" | "sandbox" }; query: Record<string, unknown>; body: PaymentProviderPut; answer: PaymentProvider };
  takePaymentWebhook: { path: { kind: "stripe" | "mercado-pago" | "sandbox"; endpointId: string }; query: Record<string, unknown>; body: undefined; answer: { taken: boolean } };
  getGuestConnector: { path: { code: string }; query: Record<string, unknown>; body: undefined; answer: GuestConnector };
  createGuestSession: { path: Record<string, unknown>; query: Record<string, unknown>; body: NewGuestSession; answer: NewGuestSessionResult };
  getGuestSession: { path: { guestSessionId: string }; query: Record<string, unknown>; body: undefined; answer: GuestSession };
  stopGuestSession: { path: { guestSessionId: string }; query: Record<string, unknown>; body: undefined; answer: GuestSession };
  cancelGuestSession: { path: { guestSessionId: string }; query: Record<string, unknown>; body: undefined; answer: GuestSession };
  getGuestReceipt: { path: { guestSessionId: string }; query: Record<string, unknown>; body: undefined; answer: null };
  getEvseQr: { path: { stationId: string; evseId: number }; query: { format?: "json" | "svg" | "png"; scale?: number }; body: undefined; answer: { code: string; url: string } };
  createFile: { path: Record<string, unknown>; query: { name: string }; body: string; answer: File };
  listFiles: { path: Record<string, unknown>; query: { limit?: number; cursor?: string; kind?: "firmware" | "log"; stationId?: string; commandId?: string }; body: undefined; answer: { items: (File)[]; nextCursor: string | null } };
  getFile: { path: { fileId: string }; query: Record<string, unknown>; body: undefined; answer: File };
  deleteFile: { path: { fileId: string }; query: Record<string, unknown>; body: undefined; answer: File };
  getFileContent: { path: { fileId: string }; query: Record<string, unknown>; body: undefined; answer: null };
  streamEvents: { path: Record<string, unknown>; query: { siteId?: string }; body: undefined; answer: null };
};

export const ROUTES: Record<keyof Operations, readonly [method: string, path: string]> = {
  getSignInMethods: ["GET", "/auth/methods"],
  getSignedIn: ["GET", "/auth/session"],
  signIn: ["POST", "/auth/sign-in"],
  signInSecondFactor: ["POST", "/auth/second-factor"],
  signOut: ["POST", "/auth/sign-out"],
  requestPasswordReset: ["POST", "/auth/password-resets"],
  resetPassword: ["POST", "/auth/passwords"],
  getPasskeySignInOptions: ["POST", "/auth/passkeys/options"],
  signInWithPasskey: ["POST", "/auth/passkeys"],
  startSingleSignOn: ["POST", "/auth/sso"],
  getSetup: ["GET", "/setup"],
  setUp: ["POST", "/setup"],
  getMe: ["GET", "/me"],
  updateMe: ["PATCH", "/me"],
  listMySessions: ["GET", "/me/sessions"],
  revokeMyOtherSessions: ["DELETE", "/me/sessions"],
  revokeMySession: ["DELETE", "/me/sessions/{sessionId}"],
  changePassword: ["POST", "/me/password"],
  enrolTotp: ["POST", "/me/totp"],
  confirmTotp: ["POST", "/me/totp/confirm"],
  disableTotp: ["POST", "/me/totp/disable"],
  renewBackupCodes: ["POST", "/me/backup-codes"],
  listMyPasskeys: ["GET", "/me/passkeys"],
  addPasskey: ["POST", "/me/passkeys"],
  getPasskeyOptions: ["POST", "/me/passkeys/options"],
  removePasskey: ["DELETE", "/me/passkeys/{passkeyId}"],
  requestEmailVerification: ["POST", "/me/email-verifications"],
  confirmEmail: ["POST", "/me/email-verifications/confirm"],
  listUsers: ["GET", "/users"],
  getUser: ["GET", "/users/{userId}"],
  updateUser: ["PATCH", "/users/{userId}"],
  removeUser: ["DELETE", "/users/{userId}"],
  revokeUserSessions: ["DELETE", "/users/{userId}/sessions"],
  createInvitation: ["POST", "/invitations"],
  listInvitations: ["GET", "/invitations"],
  revokeInvitation: ["DELETE", "/invitations/{invitationId}"],
  lookUpInvitation: ["POST", "/invitations/lookup"],
  acceptInvitation: ["POST", "/invitations/accept"],
  listApiKeys: ["GET", "/api-keys"],
  createApiKey: ["POST", "/api-keys"],
  revokeApiKey: ["DELETE", "/api-keys/{keyId}"],
  listAuditEntries: ["GET", "/audit-entries"],
  exportAudit: ["GET", "/audit-entries/csv"],
  listSites: ["GET", "/sites"],
  getSite: ["GET", "/sites/{siteId}"],
  updateSite: ["PATCH", "/sites/{siteId}"],
  getPolicyKey: ["GET", "/policy-key"],
  listErs: ["GET", "/ers"],
  getEr: ["GET", "/ers/{erId}"],
  listErHealth: ["GET", "/ers/{erId}/health"],
  listStations: ["GET", "/stations"],
  createStation: ["POST", "/stations"],
  getStation: ["GET", "/stations/{stationId}"],
  listConnectors: ["GET", "/connectors"],
  listMessages: ["GET", "/stations/{stationId}/messages"],
  setStationRegistration: ["PUT", "/stations/{stationId}/registration"],
  getStationPassword: ["GET", "/stations/{stationId}/password"],
  setStationPassword: ["PUT", "/stations/{stationId}/password"],
  deleteStationPassword: ["DELETE", "/stations/{stationId}/password"],
  getLocalList: ["GET", "/stations/{stationId}/local-list"],
  listReservations: ["GET", "/reservations"],
  listStationReservations: ["GET", "/stations/{stationId}/reservations"],
  createReservation: ["POST", "/stations/{stationId}/reservations"],
  getReservation: ["GET", "/stations/{stationId}/reservations/{reservationId}"],
  cancelReservation: ["DELETE", "/stations/{stationId}/reservations/{reservationId}"],
  createChargingProfile: ["POST", "/stations/{stationId}/charging-profiles"],
  listChargingProfiles: ["GET", "/stations/{stationId}/charging-profiles"],
  replaceChargingProfile: ["PUT", "/stations/{stationId}/charging-profiles/{profileId}"],
  clearChargingProfile: ["DELETE", "/stations/{stationId}/charging-profiles/{profileId}"],
  getChargingProfile: ["GET", "/stations/{stationId}/charging-profiles/{profileId}"],
  listReportedChargingProfiles: ["GET", "/stations/{stationId}/reported-charging-profiles"],
  listStationReports: ["GET", "/stations/{stationId}/reports"],
  listStationVariables: ["GET", "/stations/{stationId}/variables"],
  listStationEvents: ["GET", "/stations/{stationId}/events"],
  listEvents: ["GET", "/station-events"],
  listCertificateRequests: ["GET", "/certificate-requests"],
  listTariffs: ["GET", "/tariffs"],
  createTariff: ["POST", "/tariffs"],
  getTariff: ["GET", "/tariffs/{tariffId}"],
  publishTariffVersion: ["PUT", "/tariffs/{tariffId}"],
  deleteTariff: ["DELETE", "/tariffs/{tariffId}"],
  listTariffVersions: ["GET", "/tariffs/{tariffId}/versions"],
  listTariffAssignments: ["GET", "/tariff-assignments"],
  assignTariff: ["POST", "/tariff-assignments"],
  getStationTariff: ["GET", "/stations/{stationId}/tariff"],
  unassignTariff: ["DELETE", "/tariff-assignments/{assignmentId}"],
  previewTariff: ["POST", "/tariffs/{tariffId}/previews"],
  previewTerms: ["POST", "/tariff-previews"],
  listStationTemplates: ["GET", "/station-templates"],
  createStationTemplate: ["POST", "/station-templates"],
  getStationTemplate: ["GET", "/station-templates/{templateId}"],
  updateStationTemplate: ["PATCH", "/station-templates/{templateId}"],
  deleteStationTemplate: ["DELETE", "/station-templates/{templateId}"],
  getStationConfiguration: ["GET", "/stations/{stationId}/configuration"],
  listTransactions: ["GET", "/transactions"],
  getTransaction: ["GET", "/transactions/{transactionId}"],
  listMeters: ["GET", "/meters"],
  getMeter: ["GET", "/meters/{meterId}"],
  listMeterSamples: ["GET", "/meters/{meterId}/samples"],
  listCommandKinds: ["GET", "/command-kinds"],
  listOcppActions: ["GET", "/ocpp/{protocol}/actions"],
  getOcppAction: ["GET", "/ocpp/{protocol}/actions/{action}"],
  createCommand: ["POST", "/stations/{stationId}/commands"],
  listStationCommands: ["GET", "/stations/{stationId}/commands"],
  listCommands: ["GET", "/commands"],
  getCommand: ["GET", "/commands/{commandId}"],
  listReviews: ["GET", "/reviews"],
  getReviewSummary: ["GET", "/reviews/summary"],
  getReview: ["GET", "/reviews/{reviewId}"],
  resolveReview: ["POST", "/reviews/{reviewId}/resolve"],
  listIdTokenGroups: ["GET", "/id-token-groups"],
  listIdTokens: ["GET", "/id-tokens"],
  createIdToken: ["POST", "/id-tokens"],
  getIdToken: ["GET", "/id-tokens/{idToken}"],
  updateIdToken: ["PATCH", "/id-tokens/{idToken}"],
  listDrivers: ["GET", "/drivers"],
  createDriver: ["POST", "/drivers"],
  getDriver: ["GET", "/drivers/{driverId}"],
  updateDriver: ["PATCH", "/drivers/{driverId}"],
  listDriverIdTokens: ["GET", "/drivers/{driverId}/id-tokens"],
  attachIdToken: ["PUT", "/drivers/{driverId}/id-tokens/{idToken}"],
  detachIdToken: ["DELETE", "/drivers/{driverId}/id-tokens/{idToken}"],
  exportDriverData: ["GET", "/drivers/{driverId}/data"],
  eraseDriver: ["POST", "/drivers/{driverId}/erasures"],
  askDriverToPay: ["POST", "/drivers/{driverId}/payment-requests"],
  getOwnProfile: ["GET", "/own/profile"],
  exportOwnData: ["GET", "/own/data"],
  requestOwnErasure: ["PUT", "/own/erasure-request"],
  withdrawOwnErasure: ["DELETE", "/own/erasure-request"],
  listOwnIdTokens: ["GET", "/own/tokens"],
  listOwnTransactions: ["GET", "/own/transactions"],
  getOwnTransaction: ["GET", "/own/transactions/{transactionId}"],
  listOwnCdrs: ["GET", "/own/cdrs"],
  getOwnCdr: ["GET", "/own/cdrs/{cdrId}"],
  getOwnCdrReceipt: ["GET", "/own/cdrs/{cdrId}/receipt"],
  listOwnStatements: ["GET", "/own/statements"],
  getOwnStatement: ["GET", "/own/statements/{statementId}"],
  getOwnStatementPdf: ["GET", "/own/statements/{statementId}/pdf"],
  listOwnDebts: ["GET", "/own/debts"],
  listOwnPayments: ["GET", "/own/payments"],
  createOwnPayment: ["POST", "/own/payments"],
  getOwnPayment: ["GET", "/own/payments/{paymentId}"],
  cancelOwnPayment: ["POST", "/own/payments/{paymentId}/cancel"],
  getOwnPaymentReceipt: ["GET", "/own/payments/{paymentId}/receipt"],
  importIdTokens: ["POST", "/id-token-imports"],
  exportIdTokens: ["GET", "/id-token-exports"],
  listAlarms: ["GET", "/alarms"],
  acknowledgeAlarm: ["POST", "/alarms/{alarmId}/acknowledge"],
  listAlarmKinds: ["GET", "/alarm-kinds"],
  listAlarmRules: ["GET", "/alarm-rules"],
  createAlarmRule: ["POST", "/alarm-rules"],
  updateAlarmRule: ["PATCH", "/alarm-rules/{ruleId}"],
  deleteAlarmRule: ["DELETE", "/alarm-rules/{ruleId}"],
  listWebhookTypes: ["GET", "/webhook-types"],
  listWebhookEndpoints: ["GET", "/webhook-endpoints"],
  createWebhookEndpoint: ["POST", "/webhook-endpoints"],
  updateWebhookEndpoint: ["PATCH", "/webhook-endpoints/{endpointId}"],
  deleteWebhookEndpoint: ["DELETE", "/webhook-endpoints/{endpointId}"],
  rotateWebhookSecret: ["POST", "/webhook-endpoints/{endpointId}/rotate-secret"],
  listWebhookDeliveries: ["GET", "/webhook-deliveries"],
  replayWebhookDelivery: ["POST", "/webhook-deliveries/{deliveryId}/replay"],
  replayWebhookFailures: ["POST", "/webhook-endpoints/{endpointId}/replay"],
  testWebhookEndpoint: ["POST", "/webhook-endpoints/{endpointId}/test"],
  getMailState: ["GET", "/mail-state"],
  listMails: ["GET", "/mails"],
  retryMail: ["POST", "/mails/{mailId}/retry"],
  exportNow: ["GET", "/exports/now"],
  createExport: ["POST", "/exports"],
  listExports: ["GET", "/exports"],
  getExport: ["GET", "/exports/{exportId}"],
  downloadExport: ["GET", "/exports/{exportId}/file"],
  getEnergyReport: ["GET", "/reports/energy"],
  getRevenueReport: ["GET", "/reports/revenue"],
  getUtilisationReport: ["GET", "/reports/utilisation"],
  getUptimeReport: ["GET", "/reports/uptime"],
  listCdrs: ["GET", "/cdrs"],
  getCdr: ["GET", "/cdrs/{cdrId}"],
  correctCdr: ["POST", "/cdrs/{cdrId}/corrections"],
  listBillingItems: ["GET", "/billing-items"],
  decideBilling: ["POST", "/billing-items/{transactionId}/decision"],
  listLedgerAccounts: ["GET", "/ledger/accounts"],
  listLedgerPostings: ["GET", "/ledger/postings"],
  createLedgerPosting: ["POST", "/ledger/postings"],
  getLedgerPosting: ["GET", "/ledger/postings/{postingId}"],
  reverseLedgerPosting: ["POST", "/ledger/postings/{postingId}/reversal"],
  listStatements: ["GET", "/statements"],
  createStatement: ["POST", "/statements"],
  getStatement: ["GET", "/statements/{statementId}"],
  getStatementPdf: ["GET", "/statements/{statementId}/pdf"],
  createReceipt: ["POST", "/receipts"],
  updateReceiptCustomer: ["PATCH", "/receipts/{receiptId}/customer"],
  getReceipt: ["GET", "/receipts/{receiptId}"],
  getReceiptPdf: ["GET", "/receipts/{receiptId}/pdf"],
  getCdrReceipt: ["GET", "/cdrs/{cdrId}/receipt"],
  checkReceiptCode: ["GET", "/receipt-codes/{code}"],
  getOperator: ["GET", "/operator"],
  updateOperator: ["PATCH", "/operator"],
  listPayments: ["GET", "/payments"],
  getPayment: ["GET", "/payments/{paymentId}"],
  refundPayment: ["POST", "/payments/{paymentId}/refunds"],
  cancelPayment: ["POST", "/payments/{paymentId}/cancel"],
  listPaymentEvents: ["GET", "/payment-events"],
  replayPaymentEvent: ["POST", "/payment-events/{eventId}/replay"],
  listPaymentFindings: ["GET", "/payment-findings"],
  resolvePaymentFinding: ["POST", "/payment-findings/{findingId}/resolve"],
  listPaymentProviders: ["GET", "/payment-providers"],
  getPaymentProvider: ["GET", "/payment-providers/{kind}"],
  putPaymentProvider: ["PUT", "/payment-providers/{kind}"],
  takePaymentWebhook: ["POST", "/payment-webhooks/{kind}/{endpointId}"],
  getGuestConnector: ["GET", "/guest/connectors/{code}"],
  createGuestSession: ["POST", "/guest/sessions"],
  getGuestSession: ["GET", "/guest/sessions/{guestSessionId}"],
  stopGuestSession: ["POST", "/guest/sessions/{guestSessionId}/stop"],
  cancelGuestSession: ["POST", "/guest/sessions/{guestSessionId}/cancel"],
  getGuestReceipt: ["GET", "/guest/sessions/{guestSessionId}/receipt"],
  getEvseQr: ["GET", "/stations/{stationId}/evses/{evseId}/qr"],
  createFile: ["POST", "/files"],
  listFiles: ["GET", "/files"],
  getFile: ["GET", "/files/{fileId}"],
  deleteFile: ["DELETE", "/files/{fileId}"],
  getFileContent: ["GET", "/files/{fileId}/content"],
  streamEvents: ["GET", "/events"],
};
