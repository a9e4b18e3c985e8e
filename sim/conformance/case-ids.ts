/**
 * The certification cases that a CSMS can be tested for, in the order of the test plans: ids and titles, by
 * profile (OCPP 1.6) or functional block (OCPP 2.0.1). What a case does stands in `cases-*.ts`.
 */

export type Version = "1.6" | "2.0.1";

export type CaseId = { version: Version; profile: string; id: string; title: string };

/** Behind `#` version and profile, below it the cases: id, blank, title. */
const LISTS = `
# 1.6 Core
TC_001_CSMS Cold Boot Charging Station
TC_003_CSMS Regular Charging Session - Plugin First
TC_004_1_CSMS Regular Charging Session - Identification First
TC_004_2_CSMS Regular Charging Session - Identification First - ConnectionTimeOut
TC_005_1_CSMS EV Side Disconnected - StopTransactionOnEVSideDisconnect
TC_007_CSMS Regular Start Charging Session - Cached Id
TC_010_CSMS Remote Start Charging Session - Cable Plugged in First
TC_011_1_CSMS Remote Start Charging Session - Remote Start First
TC_011_2_CSMS Remote Start Charging Session - Time Out
TC_012_CSMS Remote Stop Charging Session
TC_013_CSMS Hard Reset
TC_014_CSMS Soft Reset
TC_017_1_CSMS Unlock Connector - No Charging Session (Not Fixed Cable)
TC_017_2_CSMS Unlock Connector - No Charging Session (Fixed Cable)
TC_018_1_CSMS Unlock Connector - With Charging Session (Not Fixed Cable)
TC_019_1_CSMS Retrieve All Configuration Keys
TC_019_2_CSMS Retrieve Specific Configuration Key
TC_021_CSMS Change/Set Configuration
TC_023_1_CSMS Start Charging Session - Authorize Invalid
TC_023_2_CSMS Start Charging Session - Authorize Expired
TC_023_3_CSMS Start Charging Session - Authorize Blocked
TC_024_CSMS Start Charging Session Lock Failure
TC_026_CSMS Remote Start Charging Session - Rejected
TC_028_CSMS Remote Stop Transaction - Rejected
TC_030_CSMS Unlock Connector - Unlock Failure
TC_031_CSMS Unlock Connector - Unknown Connector
TC_032_1_CSMS Power Failure Boot - Stop Transactions
TC_037_1_CSMS Offline Start Transaction - Valid IdTag
TC_037_3_CSMS Offline Start Transaction - Invalid IdTag - StopTransactionOnInvalidId
TC_039_CSMS Offline Transaction
TC_040_1_CSMS Configuration Keys - NotSupported
TC_040_2_CSMS Configuration Keys - Invalid Value
TC_061_CSMS Clear Authorization Data in Authorization Cache
TC_064_CSMS Data Transfer to a Central System
# 1.6 Local Auth List Management
TC_042_1_CSMS Get Local List Version - Not Supported
TC_042_2_CSMS Get Local List Version - Empty
TC_043_1_CSMS Send Local Authorization List - NotSupported
TC_043_3_CSMS Send Local Authorization List - Failed
TC_043_4_CSMS Send Local Authorization List - Full
TC_043_5_CSMS Send Local Authorization List - Differential
# 1.6 Firmware Management / Diagnostics
TC_044_1_CSMS Firmware Update - Download and Install
TC_044_2_CSMS Firmware Update - Download Failed
TC_044_3_CSMS Firmware Update - Installation Failed
TC_045_1_CSMS Get Diagnostics
TC_045_2_CSMS Get Diagnostics - Upload Failed
# 1.6 Reservation
TC_046_CSMS Reservation of a Connector - Transaction
TC_047_CSMS Reservation of a Connector - Expire
TC_048_1_CSMS Reservation of a Connector - Faulted
TC_048_2_CSMS Reservation of a Connector - Occupied
TC_048_3_CSMS Reservation of a Connector - Unavailable
TC_048_4_CSMS Reservation of a Connector - Rejected
TC_049_CSMS Reservation of a Charge Point - Transaction
TC_051_CSMS Cancel Reservation
TC_052_CSMS Cancel Reservation - Rejected
TC_053_CSMS Use a Reserved Connector with parentIdTag
# 1.6 Remote Trigger
TC_054_CSMS Trigger Message
TC_055_CSMS Trigger Message - Rejected
# 1.6 Smart Charging
TC_056_CSMS Central Smart Charging - TxDefaultProfile
TC_057_CSMS Central Smart Charging - TxProfile
TC_059_CSMS Remote Start Transaction with Charging Profile
TC_066_CSMS Get Composite Schedule
TC_067_CSMS Clear Charging Profile
# 1.6 Security
TC_073_CSMS Update Charge Point Password for HTTP Basic Authentication
TC_074_CSMS Update Charge Point Certificate by Request of Central System
TC_075_1_CSMS Install Certificate - ManufacturerRootCertificate
TC_075_2_CSMS Install Certificate - CentralSystemRootCertificate
TC_076_CSMS Delete a Specific Certificate from the Charge Point
TC_077_CSMS Invalid ChargePointCertificate Security Event
TC_078_CSMS Invalid CentralSystemCertificate Security Event
TC_079_CSMS Get Security Log
TC_080_CSMS Secure Firmware Update
TC_081_CSMS Secure Firmware Update - Invalid Signature
TC_083_CSMS Upgrade Charge Point Security Profile - Accepted
TC_085_CSMS Basic Authentication - Valid username/password
TC_086_CSMS TLS - Server-side Certificate - Valid Certificate
TC_087_CSMS TLS - Client-side Certificate - Valid Certificate
TC_088_CSMS WebSocket Subprotocol Negotiation
# 2.0.1 A — Security
TC_A_01 Basic Authentication - Valid username/password combination
TC_A_02 Basic Authentication - Username does not equal ChargingStationId
TC_A_03 Basic Authentication - Invalid password
TC_A_04 TLS - server-side certificate - Valid certificate
TC_A_06 TLS - server-side certificate - TLS version too low
TC_A_07 TLS - Client-side certificate - valid certificate
TC_A_08 TLS - Client-side certificate - Invalid certificate
TC_A_09 Update Charging Station Password for HTTP Basic Authentication - Accepted
TC_A_10 Update Charging Station Password for HTTP Basic Authentication - Rejected
TC_A_11 Update Charging Station Certificate by request of CSMS - Success - Charging Station Certificate
TC_A_12 Update Charging Station Certificate by request of CSMS - Success - V2G Certificate
TC_A_13 Update Charging Station Certificate by request of CSMS - Success - Combined Certificate
TC_A_14 Update Charging Station Certificate by request of CSMS - Invalid certificate
TC_A_19 Upgrade Charging Station Security Profile - Accepted
# 2.0.1 B — Provisioning
TC_B_01 Cold Boot Charging Station - Accepted
TC_B_02 Cold Boot Charging Station - Pending
TC_B_06 Get Variables - single value
TC_B_07 Get Variables - multiple values
TC_B_08 Get Variables - limit to maximum number of values
TC_B_09 Set Variables - single value
TC_B_10 Set Variables - multiple values
TC_B_12 Get Base Report - ConfigurationInventory
TC_B_13 Get Base Report - FullInventory
TC_B_14 Get Base Report - SummaryInventory
TC_B_18 Get Custom Report - with componentCriteria and component/variables
TC_B_20 Reset Charging Station - Without ongoing transaction - OnIdle
TC_B_21 Reset Charging Station - With Ongoing Transaction - OnIdle
TC_B_22 Reset Charging Station - With Ongoing Transaction - Immediate
TC_B_25 Reset EVSE - Without ongoing transaction
TC_B_26 Reset EVSE - With Ongoing Transaction - OnIdle
TC_B_27 Reset EVSE - With Ongoing Transaction - Immediate
TC_B_30 Cold Boot Charging Station - Pending/Rejected - SecurityError
TC_B_31 Cold Boot Charging Station - Pending/Rejected - TriggerMessage
TC_B_42 Set new NetworkConnectionProfile - Accepted
TC_B_44 Set new NetworkConnectionProfile - Failed
TC_B_58 WebSocket Subprotocol validation
# 2.0.1 C — Authorization
TC_C_02 Local start transaction - Authorization Invalid/Unknown
TC_C_06 Local start transaction - Authorization Blocked
TC_C_07 Local start transaction - Authorization Expired
TC_C_08 Authorization through authorization cache - Accepted
TC_C_20 Authorization through authorization cache - Invalid
TC_C_37 Clear Authorization Data in Authorization Cache - Accepted
TC_C_38 Clear Authorization Data in Authorization Cache - Rejected
TC_C_39 Authorization by GroupId - Success
TC_C_40 Authorization by GroupId - Success with Local Authorization List
TC_C_43 Authorization by GroupId - Invalid status with Local Authorization List
TC_C_47 Stop Transaction with a Master Pass - With UI - All transactions
TC_C_48 Stop Transaction with a Master Pass - With UI - Specific transactions
TC_C_49 Stop Transaction with a Master Pass - Without UI
TC_C_50 Authorization using Contract Certificates 15118 - Online - Local contract certificate validation - Accepted
TC_C_51 Authorization using Contract Certificates 15118 - Online - Local contract certificate validation - Rejected
TC_C_52 Authorization using Contract Certificates 15118 - Online - Central contract certificate validation - Accepted
# 2.0.1 D — Local Authorization List Management
TC_D_01 Send Local Authorization List - Full
TC_D_02 Send Local Authorization List - Differential Update
TC_D_03 Send Local Authorization List - Differential Remove
TC_D_04 Send Local Authorization List - Full with empty list
TC_D_08 Get Local List Version - Success
TC_D_09 Get Local List Version - No list available
# 2.0.1 E — Transactions
TC_E_01 Start transaction options - PowerPathClosed
TC_E_02 Start transaction options - EnergyTransfer
TC_E_03 Local start transaction - Cable plugin first - Success
TC_E_04 Local start transaction - Authorization first - Success
TC_E_07 Stop transaction options - PowerPathClosed - Local stop
TC_E_08 Stop transaction options - EnergyTransfer stopped - StopAuthorized
TC_E_09 Start transaction options - EVConnected
TC_E_10 Start transaction options - Authorized - Local
TC_E_11 Start transaction options - DataSigned
TC_E_12 Start transaction options - ParkingBayOccupied
TC_E_14 Stop transaction options - EVDisconnected - Charging Station side
TC_E_15 Stop transaction options - StopAuthorized - Local
TC_E_16 Stop transaction options - Deauthorized - Invalid idToken
TC_E_17 Stop transaction options - Deauthorized - EV side disconnect
TC_E_19 Stop transaction options - ParkingBayUnoccupied
TC_E_20 Stop transaction options - EVDisconnected - EV side (IEC 61851-1)
TC_E_21 Stop transaction options - StopAuthorized - Remote
TC_E_22 Stop transaction options - EnergyTransfer stopped - SuspendedEV
TC_E_26 Disconnect cable on EV-side - Suspend transaction
TC_E_29 Check Transaction status - Transaction with id ongoing - with message in queue
TC_E_30 Check Transaction status - Transaction with id ongoing - without message in queue
TC_E_31 Check Transaction status - Transaction with id ended - with message in queue
TC_E_33 Check Transaction status - Without transactionId - with message in queue
TC_E_34 Check Transaction status - Without transactionId - without message in queue
TC_E_38 Local start transaction - EV not ready
TC_E_39 Stop transaction options - Deauthorized - timeout
TC_E_53 Reset Sequence Number - CSMS accepting seqNo = 0 at start of transaction
# 2.0.1 F — Remote Control
TC_F_01 Remote start transaction - Cable plugin first
TC_F_02 Remote start transaction - Remote start first - AuthorizeRemoteStart is true
TC_F_03 Remote start transaction - Remote start first - AuthorizeRemoteStart is false
TC_F_04 Remote start transaction - Remote start first - Cable plugin timeout
TC_F_06 Remote unlock Connector - Without ongoing transaction - Accepted
TC_F_11 Trigger message - MeterValues - Specific EVSE
TC_F_12 Trigger message - MeterValues - All EVSE
TC_F_13 Trigger message - TransactionEvent - Specific EVSE
TC_F_14 Trigger message - TransactionEvent - All EVSE
TC_F_15 Trigger message - LogStatusNotification - Idle
TC_F_18 Trigger message - FirmwareStatusNotification - Idle
TC_F_20 Trigger message - Heartbeat
TC_F_23 Trigger message - StatusNotification - Specific EVSE - Available
TC_F_24 Trigger message - StatusNotification - Specific EVSE - Occupied
TC_F_27 Trigger message - NotImplemented
# 2.0.1 G — Availability
TC_G_03 Change Availability EVSE - Operative to inoperative
TC_G_04 Change Availability EVSE - Inoperative to operative
TC_G_05 Change Availability Charging Station - Operative to inoperative
TC_G_06 Change Availability Charging Station - Inoperative to operative
TC_G_07 Change Availability Connector - Operative to inoperative
TC_G_08 Change Availability Connector - Inoperative to operative
TC_G_11 Change Availability EVSE - With ongoing transaction
TC_G_14 Change Availability Charging Station - With ongoing transaction
TC_G_17 Change Availability Connector - With ongoing transaction
TC_G_20 Connector status Notification - Lock Failure
# 2.0.1 H — Reservation
TC_H_01 Reserve a specific EVSE - Accepted - Valid idToken
TC_H_07 Reserve a specific EVSE - Reservation Ended / not used
TC_H_08 Reserve an unspecified EVSE - Accepted
TC_H_14 Reserve an unspecified EVSE - Amount of EVSEs available equals the amount of reservations
TC_H_15 Reserve a connector with a specific type - Success
TC_H_17 Cancel reservation of an EVSE - Success
TC_H_19 Reserve a specific EVSE - Use a reserved EVSE with GroupId
TC_H_20 Charging Station cancels reservation when Faulted
TC_H_22 Reserve a specific EVSE - Configured to Reject
# 2.0.1 I — Tariff and Cost
TC_I_01 Show EV Driver running total cost during charging - costUpdatedRequest
TC_I_02 Show EV Driver Final Total Cost After Charging
# 2.0.1 J — Meter Values
TC_J_01 Clock-aligned Meter Values - No transaction ongoing
TC_J_02 Clock-aligned Meter Values - Transaction ongoing
TC_J_03 Clock-aligned Meter Values - EventType Ended
TC_J_04 Clock-aligned Meter Values - Signed
TC_J_07 Sampled Meter Values - EventType Started - EVSE known
TC_J_08 Sampled Meter Values - Context Transaction.Begin - EVSE not known
TC_J_09 Sampled Meter Values - EventType Updated
TC_J_10 Sampled Meter Values - EventType Ended
TC_J_11 Sampled Meter Values - Signed
# 2.0.1 K — Smart Charging
TC_K_01 Set Charging Profile - TxDefaultProfile - Specific EVSE
TC_K_02 Set Charging Profile - TxProfile without ongoing transaction on the specified EVSE
TC_K_03 Set Charging Profile - ChargingStationMaxProfile
TC_K_04 Replace charging profile - With chargingProfileId
TC_K_05 Clear Charging Profile - With chargingProfileId
TC_K_06 Clear Charging Profile - With stackLevel/purpose combination for one profile
TC_K_08 Clear Charging Profile - Without previous charging profile
TC_K_10 Set Charging Profile - TxDefaultProfile - All EVSE
TC_K_15 Set Charging Profile - Not Supported
TC_K_19 Set Charging Profile - ChargingProfileKind is Recurring
TC_K_29 Get Charging Profile - EvseId 0
TC_K_30 Get Charging Profile - EvseId > 0
TC_K_31 Get Charging Profile - No EvseId
TC_K_32 Get Charging Profile - chargingProfileId
TC_K_33 Get Charging Profile - EvseId > 0 + stackLevel
TC_K_34 Get Charging Profile - EvseId > 0 + chargingLimitSource
TC_K_35 Get Charging Profile - EvseId > 0 + chargingProfilePurpose
TC_K_36 Get Charging Profile - EvseId > 0 + chargingProfilePurpose + stackLevel
TC_K_37 Remote start transaction with charging profile - Success
TC_K_43 Get Composite Schedule - Specific EVSE
TC_K_44 Get Composite Schedule - Charging Station
TC_K_48 Set / Update External Charging Limit (not on a transaction)
TC_K_50 Reset / release external charging limit - Without ongoing transaction
TC_K_51 Reset / release external charging limit - With ongoing transaction
TC_K_52 Set / Update External Charging Limit - ChargingStationExternalConstraints in report
TC_K_53 Charging with load leveling based on High Level Communication - Success
TC_K_55 Charging with load leveling - EV charging profile exceeds limits
TC_K_57 Renegotiating a Charging Schedule - Initiated by EV
TC_K_58 Renegotiating a Charging Schedule - Initiated by CSMS
TC_K_59 Renegotiating a Charging Schedule - Initiated by CSMS - Send NotifyEVChargingNeeds
TC_K_60 Set Charging Profile - TxProfile with ongoing transaction on the specified EVSE
TC_K_70 Set Charging Profile - Multiple Profiles
# 2.0.1 L — Firmware Management
TC_L_01 Secure Firmware Update - Installation successful
TC_L_02 Secure Firmware Update - InstallScheduled
TC_L_03 Secure Firmware Update - DownloadScheduled
TC_L_04 Secure Firmware Update - RevokedCertificate
TC_L_05 Secure Firmware Update - InvalidCertificate
TC_L_06 Secure Firmware Update - InvalidSignature
TC_L_07 Secure Firmware Update - DownloadFailed
TC_L_08 Secure Firmware Update - InstallVerificationFailed
TC_L_09 Secure Firmware Update - InstallationFailed
TC_L_10 Secure Firmware Update - AcceptedCanceled
TC_L_11 Secure Firmware Update - Unable to cancel
TC_L_13 Secure Firmware Update - Ongoing transaction, AllowNewSessionsPendingFirmwareUpdate=false
TC_L_17 Publish Firmware - Published
TC_L_19 Publish Firmware - Invalid Checksum
TC_L_20 Publish Firmware - PublishFailed
TC_L_21 Unpublish Firmware - Unpublished
TC_L_22 Unpublish Firmware - NoFirmware
TC_L_23 Unpublish Firmware - Download Ongoing
TC_L_24 Publish Firmware - Download failed
# 2.0.1 M — Certificate Management
TC_M_01 Install CA certificate - CSMSRootCertificate
TC_M_02 Install CA certificate - ManufacturerRootCertificate
TC_M_03 Install CA certificate - V2GRootCertificate
TC_M_04 Install CA certificate - MORootCertificate
TC_M_05 Install CA certificate - Failed
TC_M_12 Retrieve certificates from Charging Station - CSMSRootCertificate
TC_M_13 Retrieve certificates from Charging Station - ManufacturerRootCertificate
TC_M_14 Retrieve certificates from Charging Station - V2GRootCertificate
TC_M_15 Retrieve certificates from Charging Station - V2GCertificateChain
TC_M_16 Retrieve certificates from Charging Station - MORootCertificate
TC_M_17 Retrieve certificates from Charging Station - CSMSRootCertificate & ManufacturerRootCertificate
TC_M_18 Retrieve certificates from Charging Station - All certificateTypes
TC_M_19 Retrieve certificates from Charging Station - No matching certificate found
TC_M_20 Delete a certificate from a Charging Station - Success
TC_M_21 Delete a certificate from a Charging Station - Failed
TC_M_24 Get Charging Station Certificate status - Success
TC_M_26 Certificate Installation EV - Success
TC_M_28 Certificate Update EV - Success
# 2.0.1 N — Diagnostics
TC_N_01 Get Monitoring Report - with monitoringCriteria
TC_N_02 Get Monitoring Report - with component/variable
TC_N_03 Get Monitoring Report - with component criteria and component/variable
TC_N_05 Set Monitoring Base - success
TC_N_08 Set Variable Monitoring - One SetMonitoringData element
TC_N_09 Set Variable Monitoring - Multiple elements on different component and variable
TC_N_16 Set Monitoring Level - Success
TC_N_17 Set Monitoring Level - Out of range
TC_N_18 Clear Monitoring - Too many elements
TC_N_21 Alert Event - HardWiredMonitor
TC_N_24 Set Variable Monitoring - Periodic event
TC_N_25 Retrieve Log Information - Diagnostics Log - Success
TC_N_27 Get Customer Information - Accepted + data
TC_N_28 Get Customer Information - Accepted + no data
TC_N_29 Get Customer Information - Not Accepted
TC_N_30 Clear Customer Information - Clear and report + data
TC_N_31 Clear Customer Information - Clear and report + no data
TC_N_32 Clear Customer Information - Clear and no report
TC_N_34 Retrieve Log Information - Rejected
TC_N_35 Retrieve Log Information - Security Log - Success
TC_N_36 Retrieve Log Information - Second Request
TC_N_44 Clear Monitoring - Rejected
TC_N_46 Clear Customer Information - Update Local Authorization List
TC_N_47 Get Monitoring report - Report all
TC_N_48 Alert Event - Variable monitoring on write only
TC_N_49 Alert Event - LowerThreshold/UpperThreshold cleared after reboot
TC_N_50 Alert Event - Periodic Triggered
TC_N_60 Get Monitoring Report - with component criteria and list of components/variables
TC_N_62 Clear Customer Information - Clear and report - customerIdentifier
TC_N_63 Clear Customer Information - Clear and report - customerCertificate
# 2.0.1 O — Display Message
TC_O_01 Set Display Message - Success
TC_O_02 Get all Display Messages - Success
TC_O_03 Get all Display Messages - No DisplayMessages configured
TC_O_04 Clear Display Message - Success
TC_O_05 Clear Display Message - Unknown Key
TC_O_06 Set Display Message - Specific transaction - Success
TC_O_07 Get a Specific Display Message - Id
TC_O_08 Get a Specific Display Message - Priority
TC_O_09 Get a Specific Display Message - State
TC_O_10 Set Display Message - Specific transaction - UnknownTransaction
TC_O_11 Get a Specific Display Message - Unknown parameters
TC_O_12 Set Display Message - Replace DisplayMessage
TC_O_13 Set Display Message - Display message at StartTime
TC_O_14 Set Display Message - Remove message after EndTime
TC_O_17 Set Display Message - NotSupportedPriority
TC_O_18 Set Display Message - NotSupportedState
TC_O_19 Set Display Message - NotSupportedMessageFormat
TC_O_25 Set Display Message - Send Specific state
TC_O_26 Set Display Message - Rejected
TC_O_27 Set Display Message - Specific transaction - Display message at StartTime
TC_O_28 Set Display Message - Specific transaction - Remove message after EndTime
# 2.0.1 P — Data Transfer / CustomData
TC_P_02 Data Transfer to the CSMS - Rejected / Unknown VendorId / Unknown MessageId
TC_P_03 CustomData - Receive custom data
`;

function splitAtBlank(text: string): [string, string] {
  const blank = text.indexOf(" ");
  return [text.slice(0, blank), text.slice(blank + 1)];
}

function readLists(): CaseId[] {
  let [version, profile] = ["", ""];
  return LISTS.trim()
    .split("\n")
    .flatMap((line) => {
      const [first, rest] = splitAtBlank(line);
      if (first !== "#") return [{ version: version as Version, profile, id: first, title: rest }];
      [version, profile] = splitAtBlank(rest);
      return [];
    });
}

/** 77 of OCPP 1.6 and 252 of OCPP 2.0.1. */
export const CASE_IDS: readonly CaseId[] = readLists();
