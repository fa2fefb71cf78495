package sdp

import "fmt"

// An AttributeID identifies an attribute of a record.
type AttributeID uint16

// Attributes of every service (Core Specification, Vol 3, Part B, 5.1).
const (
	AttributeServiceRecordHandle               AttributeID = 0x0000
	AttributeServiceClassIDList                AttributeID = 0x0001
	AttributeServiceRecordState                AttributeID = 0x0002
	AttributeServiceID                         AttributeID = 0x0003
	AttributeProtocolDescriptorList            AttributeID = 0x0004
	AttributeBrowseGroupList                   AttributeID = 0x0005
	AttributeLanguageBaseAttributeIDList       AttributeID = 0x0006
	AttributeServiceInfoTimeToLive             AttributeID = 0x0007
	AttributeServiceAvailability               AttributeID = 0x0008
	AttributeBluetoothProfileDescriptorList    AttributeID = 0x0009
	AttributeDocumentationURL                  AttributeID = 0x000a
	AttributeClientExecutableURL               AttributeID = 0x000b
	AttributeIconURL                           AttributeID = 0x000c
	AttributeAdditionalProtocolDescriptorLists AttributeID = 0x000d
)

// Attributes of the primary language, at the conventional base 0x0100. See
// [Record.Name].
const (
	AttributeServiceName        AttributeID = 0x0100
	AttributeServiceDescription AttributeID = 0x0101
	AttributeProviderName       AttributeID = 0x0102
)

// Attributes whose meaning depends on the service class.
const (
	// AttributeGOEPL2CAPPSM is the L2CAP PSM of services over OBEX.
	AttributeGOEPL2CAPPSM AttributeID = 0x0200
	// AttributeSupportedFormatsList lists the formats that an Object Push
	// server accepts.
	AttributeSupportedFormatsList AttributeID = 0x0303
)

var attributeNames = map[AttributeID]string{
	AttributeServiceRecordHandle:               "ServiceRecordHandle",
	AttributeServiceClassIDList:                "ServiceClassIDList",
	AttributeServiceRecordState:                "ServiceRecordState",
	AttributeServiceID:                         "ServiceID",
	AttributeProtocolDescriptorList:            "ProtocolDescriptorList",
	AttributeBrowseGroupList:                   "BrowseGroupList",
	AttributeLanguageBaseAttributeIDList:       "LanguageBaseAttributeIDList",
	AttributeServiceInfoTimeToLive:             "ServiceInfoTimeToLive",
	AttributeServiceAvailability:               "ServiceAvailability",
	AttributeBluetoothProfileDescriptorList:    "BluetoothProfileDescriptorList",
	AttributeDocumentationURL:                  "DocumentationURL",
	AttributeClientExecutableURL:               "ClientExecutableURL",
	AttributeIconURL:                           "IconURL",
	AttributeAdditionalProtocolDescriptorLists: "AdditionalProtocolDescriptorLists",
	AttributeServiceName:                       "ServiceName",
	AttributeServiceDescription:                "ServiceDescription",
	AttributeProviderName:                      "ProviderName",
}

// String returns the name of an attribute that every service can have, such as
// "ServiceName", and otherwise the number, such as "0x0200".
func (id AttributeID) String() string {
	if name := attributeNames[id]; name != "" {
		return name
	}
	return fmt.Sprintf("0x%04x", uint16(id))
}

// An AttributeRange is a range of attributes, with both ends.
type AttributeRange struct {
	First, Last AttributeID
}

// AllAttributes is the range of all attributes.
var AllAttributes = AttributeRange{First: 0, Last: 0xffff}
