/**
 * Dictionary 1 of the block codec: text that small blocks would otherwise repeat, so that a single entry takes a
 * quarter of the bytes on disk and on the wire.
 *
 * It is part of the format: never change it; a better one gets the next codec number. The most frequent text stands
 * last, where zstd reaches it with the shortest offsets.
 */
const SAMPLES = [
  '{"kind":"er.started","boot":"019"},{"kind":"policy.applied","version":},{"kind":"lease.granted","first":,"count":1000}',
  '{"kind":"clock.synced","offsetMs":0},{"kind":"er.stopped"},"clock":"holdover","clock":"untrusted"',
  '{"kind":"meter.health","meterId":"grid","state":"ok","model":"eastron-sdm630"},"state":"lost","reason":"timeout"',
  '"kind":"command.accepted","commandId":"019","stationId":"","commandKind":"RequestStartTransaction"',
  '"kind":"command.finished","commandId":"019","stationId":"","status":"succeeded","response":{"status":"Accepted"}}',
  '"kind":"ocpp.called","stationId":"","protocol":"ocpp1.6","action":"RemoteStartTransaction","request":"[2,\\"019',
  '"kind":"ocpp.rejected","code":"FormatViolation","reason":"payload must have required property ',
  '"kind":"station.online","stationId":"","protocol":"ocpp2.0.1","remoteAddress":"127.0.0.1"}',
  '"kind":"station.offline","stationId":"","reason":"closed 1006"}',
  '"action":"BootNotification","request":"[2,\\"1\\",\\"BootNotification\\",{\\"reason\\":\\"PowerUp\\",\\"chargingStation\\":{\\"model\\":\\"\\",\\"vendorName\\":\\"\\",\\"firmwareVersion\\":\\"1.\\",\\"serialNumber\\":\\"',
  '{\\"chargePointVendor\\":\\"\\",\\"chargePointModel\\":\\"\\",\\"firmwareVersion\\":\\"\\",\\"chargePointSerialNumber\\":\\"',
  '"response":"[3,\\"\\",{\\"status\\":\\"Accepted\\",\\"currentTime\\":\\"2026-11-22T12:00:00.000Z\\",\\"interval\\":300}]"',
  '"action":"Authorize","request":"[2,\\"\\",\\"Authorize\\",{\\"idToken\\":{\\"idToken\\":\\"\\",\\"type\\":\\"ISO14443\\"}}]","response":"[3,\\"\\",{\\"idTokenInfo\\":{\\"status\\":\\"Accepted\\"}}]","basis":"policy"',
  '[2,\\"\\",\\"Authorize\\",{\\"idTag\\":\\"\\"}]","response":"[3,\\"\\",{\\"idTagInfo\\":{\\"status\\":\\"Accepted\\",\\"parentIdTag\\":\\"\\"}}]","basis":"sg"',
  '"action":"StatusNotification","request":"[2,\\"\\",\\"StatusNotification\\",{\\"timestamp\\":\\"2026-11-22T12:00:00.000Z\\",\\"connectorStatus\\":\\"Available\\",\\"evseId\\":1,\\"connectorId\\":1}]","response":"[3,\\"\\",{}]"',
  '{\\"connectorId\\":1,\\"errorCode\\":\\"NoError\\",\\"status\\":\\"Preparing\\",\\"timestamp\\":\\"\\"}SuspendedEVSE SuspendedEV Finishing Charging Occupied Unavailable Faulted',
  '"action":"StartTransaction","request":"[2,\\"\\",\\"StartTransaction\\",{\\"connectorId\\":1,\\"idTag\\":\\"\\",\\"meterStart\\":0,\\"timestamp\\":\\"\\"}]","response":"[3,\\"\\",{\\"transactionId\\":1,\\"idTagInfo\\":{\\"status\\":\\"Accepted\\"}}]"',
  '"action":"StopTransaction","request":"[2,\\"\\",\\"StopTransaction\\",{\\"transactionId\\":1,\\"idTag\\":\\"\\",\\"meterStop\\":0,\\"timestamp\\":\\"\\",\\"reason\\":\\"EVDisconnected\\"}]"',
  '"action":"TransactionEvent","request":"[2,\\"\\",\\"TransactionEvent\\",{\\"eventType\\":\\"Started\\",\\"timestamp\\":\\"\\",\\"triggerReason\\":\\"CablePluggedIn\\",\\"seqNo\\":0,\\"transactionInfo\\":{\\"transactionId\\":\\"\\",\\"chargingState\\":\\"EVConnected\\"},\\"evse\\":{\\"id\\":1,\\"connectorId\\":1},\\"idToken\\":{\\"idToken\\":\\"\\",\\"type\\":\\"ISO14443\\"}',
  '{\\"eventType\\":\\"Ended\\",\\"triggerReason\\":\\"EVCommunicationLost\\",\\"stoppedReason\\":\\"EVDisconnected\\",\\"context\\":\\"Transaction.End\\",\\"context\\":\\"Transaction.Begin\\"}',
  '"upMs":100000,"clock":"synced","kind":"meter.sampled","meterId":"grid","reading":{"energyImportWh":1000000,"energyExportWh":0,"powerW":7200,"powerPhasesW":[2400,2400,2400],"currentPhasesMa":[10400,10400,10400],"voltagePhasesMv":[230000,230000,230000],"frequencyMhz":60000}},',
  '"upMs":100000,"clock":"synced","kind":"ocpp.handled","stationId":"CP1","protocol":"ocpp2.0.1","action":"TransactionEvent","request":"[2,\\"\\",\\"TransactionEvent\\",{\\"eventType\\":\\"Updated\\",\\"timestamp\\":\\"2026-11-22T12:00:00.000Z\\",\\"triggerReason\\":\\"MeterValuePeriodic\\",\\"seqNo\\":10,\\"transactionInfo\\":{\\"transactionId\\":\\"\\",\\"chargingState\\":\\"Charging\\"},\\"evse\\":{\\"id\\":1,\\"connectorId\\":1},\\"meterValue\\":[{\\"timestamp\\":\\"2026-11-22T12:00:00.000Z\\",\\"sampledValue\\":[{\\"value\\":1000,\\"context\\":\\"Sample.Periodic\\",\\"measurand\\":\\"Energy.Active.Import.Register\\",\\"unitOfMeasure\\":{\\"unit\\":\\"Wh\\"}},{\\"value\\":7200,\\"context\\":\\"Sample.Periodic\\",\\"measurand\\":\\"Power.Active.Import\\",\\"unitOfMeasure\\":{\\"unit\\":\\"W\\"}},{\\"value\\":16,\\"measurand\\":\\"Current.Import\\",\\"phase\\":\\"L1\\",\\"unitOfMeasure\\":{\\"unit\\":\\"A\\"}},{\\"value\\":80,\\"measurand\\":\\"SoC\\",\\"unitOfMeasure\\":{\\"unit\\":\\"Percent\\"}}]}]}]","response":"[3,\\"\\",{}]","basis":"none","transactionId":"019"},',
  '{"seq":1000,"at":1795000000000,"upMs":100000,"clock":"synced","kind":"ocpp.handled","stationId":"CP1","protocol":"ocpp1.6","action":"MeterValues","request":"[2,\\"1000\\",\\"MeterValues\\",{\\"connectorId\\":1,\\"transactionId\\":1000,\\"meterValue\\":[{\\"timestamp\\":\\"2026-11-22T12:00:00.000Z\\",\\"sampledValue\\":[{\\"value\\":\\"1000\\",\\"context\\":\\"Sample.Periodic\\",\\"measurand\\":\\"Energy.Active.Import.Register\\",\\"unit\\":\\"Wh\\"},{\\"value\\":\\"7200\\",\\"context\\":\\"Sample.Periodic\\",\\"measurand\\":\\"Power.Active.Import\\",\\"unit\\":\\"W\\"},{\\"value\\":\\"16.0\\",\\"context\\":\\"Sample.Periodic\\",\\"measurand\\":\\"Current.Import\\",\\"phase\\":\\"L1\\",\\"unit\\":\\"A\\"},{\\"value\\":\\"230.0\\",\\"measurand\\":\\"Voltage\\",\\"phase\\":\\"L1\\",\\"unit\\":\\"V\\"}]}]}]","response":"[3,\\"1000\\",{}]","transactionId":"019"},{"boot":"019","entries":[{"seq":1',
];

export const DICTIONARY_1: Buffer = Buffer.from(SAMPLES.join(""));
