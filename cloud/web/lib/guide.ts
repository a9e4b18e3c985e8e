/**
 * What the empty states tell people to type: the cloud's command line and the address of an ER.
 */
export const guide = {
  createKey: "sg key create --name operador",
  createSite: (name: string) => `sg site create --name "${name}" --time-zone America/Sao_Paulo`,
  createEr: (siteId: string) => `sg er create --site ${siteId}`,
  stationUrl: (er: string, stationId: string) => `ws://${er}:9000/ocpp/${stationId}`,
};
