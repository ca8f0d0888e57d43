"""Where each term of EN 16931 stands in UN/CEFACT Cross Industry Invoice (CEN/TS 16931-3-3), in the order of its
schema. `binding.py` explains the notation. Terms that Duely never writes are here so that reading can name them."""

from __future__ import annotations

from adapters.einvoices.binding import table

_RSM = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
_RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
_UDT = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"
_QDT = "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"

_HEAD = """
rsm:CrossIndustryInvoice
  rsm:ExchangedDocumentContext
    ram:BusinessProcessSpecifiedDocumentContextParameter
      ram:ID =BT-23
    ram:GuidelineSpecifiedDocumentContextParameter
      ram:ID =BT-24
  rsm:ExchangedDocument
    ram:ID =BT-1
    ram:TypeCode =BT-3
    ram:IssueDateTime
      udt:DateTimeString @format="102" =BT-2:date
    ram:IncludedNote *BG-1
      ram:Content =BT-22
      ram:SubjectCode =BT-21
  rsm:SupplyChainTradeTransaction
"""
_LINE = """
    ram:IncludedSupplyChainTradeLineItem *BG-25
      ram:AssociatedDocumentLineDocument
        ram:LineID =BT-126
        ram:IncludedNote
          ram:Content =BT-127
      ram:SpecifiedTradeProduct
        ram:GlobalID @schemeID=BT-157-1 =BT-157
        ram:SellerAssignedID =BT-155
        ram:BuyerAssignedID =BT-156
        ram:Name =BT-153
        ram:Description =BT-154
        ram:ApplicableProductCharacteristic *BG-32
          ram:Description =BT-160
          ram:Value =BT-161
        ram:DesignatedProductClassification
          ram:ClassCode =BT-158
        ram:OriginTradeCountry
          ram:ID =BT-159
      ram:SpecifiedLineTradeAgreement
        ram:BuyerOrderReferencedDocument
          ram:LineID =BT-132
        ram:GrossPriceProductTradePrice
          ram:ChargeAmount =BT-148
          ram:AppliedTradeAllowanceCharge
            ram:ActualAmount =BT-147
        ram:NetPriceProductTradePrice
          ram:ChargeAmount =BT-146
          ram:BasisQuantity @unitCode=BT-150 =BT-149
      ram:SpecifiedLineTradeDelivery
        ram:BilledQuantity @unitCode=BT-130 =BT-129
      ram:SpecifiedLineTradeSettlement
        ram:ApplicableTradeTax
          ram:TypeCode "VAT"
          ram:CategoryCode =BT-151
          ram:RateApplicablePercent =BT-152
        ram:BillingSpecifiedPeriod
          ram:StartDateTime
            udt:DateTimeString @format="102" =BT-134:date
          ram:EndDateTime
            udt:DateTimeString @format="102" =BT-135:date
        ram:SpecifiedTradeAllowanceCharge *BG-27
          ram:ChargeIndicator
            udt:Indicator "false"
          ram:CalculationPercent =BT-138
          ram:BasisAmount =BT-137
          ram:ActualAmount =BT-136
          ram:ReasonCode =BT-140
          ram:Reason =BT-139
        ram:SpecifiedTradeAllowanceCharge *BG-28
          ram:ChargeIndicator
            udt:Indicator "true"
          ram:CalculationPercent =BT-143
          ram:BasisAmount =BT-142
          ram:ActualAmount =BT-141
          ram:ReasonCode =BT-145
          ram:Reason =BT-144
        ram:SpecifiedTradeSettlementLineMonetarySummation
          ram:LineTotalAmount =BT-131
        ram:AdditionalReferencedDocument
          ram:IssuerAssignedID =BT-128
          ram:TypeCode "130"
        ram:ReceivableSpecifiedTradeAccountingAccount
          ram:ID =BT-133
"""
_AGREEMENT = """
    ram:ApplicableHeaderTradeAgreement !
      ram:BuyerReference =BT-10
      ram:SellerTradeParty
        ram:ID =BT-29
        ram:GlobalID @schemeID=BT-29-1 =BT-29-0
        ram:Name =BT-27
        ram:Description =BT-33
        ram:SpecifiedLegalOrganization
          ram:ID @schemeID=BT-30-1 =BT-30
          ram:TradingBusinessName =BT-28
        ram:DefinedTradeContact
          ram:PersonName =BT-41
          ram:TelephoneUniversalCommunication
            ram:CompleteNumber =BT-42
          ram:EmailURIUniversalCommunication
            ram:URIID =BT-43
        ram:PostalTradeAddress
          ram:PostcodeCode =BT-38
          ram:LineOne =BT-35
          ram:LineTwo =BT-36
          ram:LineThree =BT-162
          ram:CityName =BT-37
          ram:CountryID =BT-40
          ram:CountrySubDivisionName =BT-39
        ram:URIUniversalCommunication
          ram:URIID @schemeID=BT-34-1 =BT-34
        ram:SpecifiedTaxRegistration
          ram:ID @schemeID="VA" =BT-31
        ram:SpecifiedTaxRegistration
          ram:ID @schemeID="FC" =BT-32
      ram:BuyerTradeParty
        ram:ID =BT-46
        ram:GlobalID @schemeID=BT-46-1 =BT-46-0
        ram:Name =BT-44
        ram:SpecifiedLegalOrganization
          ram:ID @schemeID=BT-47-1 =BT-47
          ram:TradingBusinessName =BT-45
        ram:DefinedTradeContact
          ram:PersonName =BT-56
          ram:TelephoneUniversalCommunication
            ram:CompleteNumber =BT-57
          ram:EmailURIUniversalCommunication
            ram:URIID =BT-58
        ram:PostalTradeAddress
          ram:PostcodeCode =BT-53
          ram:LineOne =BT-50
          ram:LineTwo =BT-51
          ram:LineThree =BT-163
          ram:CityName =BT-52
          ram:CountryID =BT-55
          ram:CountrySubDivisionName =BT-54
        ram:URIUniversalCommunication
          ram:URIID @schemeID=BT-49-1 =BT-49
        ram:SpecifiedTaxRegistration
          ram:ID @schemeID="VA" =BT-48
      ram:SellerTaxRepresentativeTradeParty
        ram:Name =BT-62
        ram:SpecifiedTaxRegistration
          ram:ID @schemeID="VA" =BT-63
      ram:SellerOrderReferencedDocument
        ram:IssuerAssignedID =BT-14
      ram:BuyerOrderReferencedDocument
        ram:IssuerAssignedID =BT-13
      ram:ContractReferencedDocument
        ram:IssuerAssignedID =BT-12
      ram:AdditionalReferencedDocument *BG-24
        ram:IssuerAssignedID =BT-122
        ram:URIID =BT-124
        ram:TypeCode "916"
        ram:Name =BT-123
        ram:AttachmentBinaryObject @mimeCode=BT-125-1 @filename=BT-125-2 =BT-125
      ram:AdditionalReferencedDocument
        ram:IssuerAssignedID =BT-17
        ram:TypeCode "50"
      ram:AdditionalReferencedDocument
        ram:IssuerAssignedID =BT-18
        ram:TypeCode "130"
      ram:SpecifiedProcuringProject
        ram:ID =BT-11
        ram:Name "Project reference"
"""
_SETTLEMENT = """
    ram:ApplicableHeaderTradeDelivery !
      ram:ShipToTradeParty
        ram:ID =BT-71
        ram:GlobalID @schemeID=BT-71-1 =BT-71-0
        ram:Name =BT-70
        ram:PostalTradeAddress
          ram:PostcodeCode =BT-78
          ram:LineOne =BT-75
          ram:LineTwo =BT-76
          ram:LineThree =BT-165
          ram:CityName =BT-77
          ram:CountryID =BT-80
          ram:CountrySubDivisionName =BT-79
      ram:ActualDeliverySupplyChainEvent
        ram:OccurrenceDateTime
          udt:DateTimeString @format="102" =BT-72:date
      ram:DespatchAdviceReferencedDocument
        ram:IssuerAssignedID =BT-16
      ram:ReceivingAdviceReferencedDocument
        ram:IssuerAssignedID =BT-15
    ram:ApplicableHeaderTradeSettlement
      ram:CreditorReferenceID =BT-90
      ram:PaymentReference =BT-83
      ram:TaxCurrencyCode =BT-6
      ram:InvoiceCurrencyCode =BT-5
      ram:PayeeTradeParty
        ram:ID =BT-60
        ram:GlobalID @schemeID=BT-60-1 =BT-60-0
        ram:Name =BT-59
        ram:SpecifiedLegalOrganization
          ram:ID =BT-61
      ram:SpecifiedTradeSettlementPaymentMeans *BG-16
        ram:TypeCode =BT-81
        ram:Information =BT-82
        ram:ApplicableTradeSettlementFinancialCard
          ram:ID =BT-87
        ram:PayerPartyDebtorFinancialAccount
          ram:IBANID =BT-91
        ram:PayeePartyCreditorFinancialAccount
          ram:IBANID =BT-84
          ram:AccountName =BT-85
          ram:ProprietaryID =BT-84-0
        ram:PayeeSpecifiedCreditorFinancialInstitution
          ram:BICID =BT-86
      ram:ApplicableTradeTax *BG-23
        ram:CalculatedAmount =BT-117
        ram:TypeCode "VAT"
        ram:ExemptionReason =BT-120
        ram:BasisAmount =BT-116
        ram:CategoryCode =BT-118
        ram:ExemptionReasonCode =BT-121
        ram:TaxPointDate
          udt:DateString @format="102" =BT-7:date
        ram:DueDateTypeCode =BT-8
        ram:RateApplicablePercent =BT-119
      ram:BillingSpecifiedPeriod
        ram:StartDateTime
          udt:DateTimeString @format="102" =BT-73:date
        ram:EndDateTime
          udt:DateTimeString @format="102" =BT-74:date
      ram:SpecifiedTradeAllowanceCharge *BG-20
        ram:ChargeIndicator
          udt:Indicator "false"
        ram:CalculationPercent =BT-94
        ram:BasisAmount =BT-93
        ram:ActualAmount =BT-92
        ram:ReasonCode =BT-98
        ram:Reason =BT-97
        ram:CategoryTradeTax
          ram:TypeCode "VAT"
          ram:CategoryCode =BT-95
          ram:RateApplicablePercent =BT-96
      ram:SpecifiedTradeAllowanceCharge *BG-21
        ram:ChargeIndicator
          udt:Indicator "true"
        ram:CalculationPercent =BT-101
        ram:BasisAmount =BT-100
        ram:ActualAmount =BT-99
        ram:ReasonCode =BT-105
        ram:Reason =BT-104
        ram:CategoryTradeTax
          ram:TypeCode "VAT"
          ram:CategoryCode =BT-102
          ram:RateApplicablePercent =BT-103
      ram:SpecifiedTradePaymentTerms
        ram:Description =BT-20
        ram:DueDateDateTime
          udt:DateTimeString @format="102" =BT-9:date
        ram:DirectDebitMandateID =BT-89
      ram:SpecifiedTradeSettlementHeaderMonetarySummation
        ram:LineTotalAmount =BT-106
        ram:ChargeTotalAmount =BT-108
        ram:AllowanceTotalAmount =BT-107
        ram:TaxBasisTotalAmount =BT-109
        ram:TaxTotalAmount @currencyID=BT-5 =BT-110
        ram:TaxTotalAmount @currencyID=BT-6 =BT-111
        ram:RoundingAmount =BT-114
        ram:GrandTotalAmount =BT-112
        ram:TotalPrepaidAmount =BT-113
        ram:DuePayableAmount =BT-115
      ram:InvoiceReferencedDocument *BG-3
        ram:IssuerAssignedID =BT-25
        ram:FormattedIssueDateTime
          qdt:DateTimeString @format="102" =BT-26:date
      ram:ReceivableSpecifiedTradeAccountingAccount
        ram:ID =BT-19
"""

CII = table(
    _HEAD + _LINE + _AGREEMENT + _SETTLEMENT, {"rsm": _RSM, "ram": _RAM, "udt": _UDT, "qdt": _QDT}, dates="%Y%m%d"
)
