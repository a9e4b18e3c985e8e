/**
 * What the empty states tell people to type: the command lines of the cloud and of the ER.
 */
const erConfig = (siteName: string) => `er = "er-1"
site = "site-1"
site_name = "${siteName}"
time_zone = "America/Sao_Paulo"
data_dir = "/var/lib/er"

[broker]
url = "mqtts://BROKER:8883"

[ocpp]
port = 9220
auth = "basic"
[[ocpp.stations]]
id = "CP-1"
password_hash = "…"  # printf %s 'password' | er hash-password`;

export const guide = {
  createKey: "sg key --name operador",
  erConfig,
  erRun: "er config check && er run",
  erStatus: "er status",
  policyKey: (publicKey: string) => `[policy]\npublic_key = "${publicKey}"`,
  stationUrl: (er: string, stationId: string) => `ws://${er}:9220/ocpp/${stationId}`,
};
