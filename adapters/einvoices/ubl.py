"""Where each term of EN 16931 stands in UBL 2.1, Invoice and CreditNote (CEN/TS 16931-3-2), in the order of their
schemas. `binding.py` explains the notation. Terms that Duely never writes are here so that reading can name them."""

from __future__ import annotations

from adapters.einvoices.binding import Table, table
from adapters.einvoices.ubl_amounts import AMOUNTS, LINE

_CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
_CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
_ROOT = "urn:oasis:names:specification:ubl:schema:xsd:{root}-2"

_HEAD = """
{root}
  cbc:CustomizationID =BT-24
  cbc:ProfileID =BT-23
  cbc:ID =BT-1
  cbc:IssueDate =BT-2:date
"""
_TYPED = {
    "Invoice": """
  cbc:DueDate =BT-9:date
  cbc:InvoiceTypeCode =BT-3
  cbc:Note *BG-1 =BT-22
  cbc:TaxPointDate =BT-7:date
""",
    "CreditNote": """
  cbc:TaxPointDate =BT-7:date
  cbc:CreditNoteTypeCode =BT-3
  cbc:Note *BG-1 =BT-22
""",
}
_REFERENCES = """
  cbc:DocumentCurrencyCode =BT-5
  cbc:TaxCurrencyCode =BT-6
  cbc:AccountingCost =BT-19
  cbc:BuyerReference =BT-10
  cac:InvoicePeriod
    cbc:StartDate =BT-73:date
    cbc:EndDate =BT-74:date
    cbc:DescriptionCode =BT-8
  cac:OrderReference
    cbc:ID =BT-13
    cbc:SalesOrderID =BT-14
  cac:BillingReference *BG-3
    cac:InvoiceDocumentReference
      cbc:ID =BT-25
      cbc:IssueDate =BT-26:date
  cac:DespatchDocumentReference
    cbc:ID =BT-16
  cac:ReceiptDocumentReference
    cbc:ID =BT-15
"""
_ATTACHED = """
  cac:AdditionalDocumentReference
    cbc:ID =BT-18
    cbc:DocumentTypeCode "130"
  cac:AdditionalDocumentReference *BG-24
    cbc:ID =BT-122
    cbc:DocumentDescription =BT-123
    cac:Attachment
      cbc:EmbeddedDocumentBinaryObject @mimeCode=BT-125-1 @filename=BT-125-2 =BT-125
      cac:ExternalReference
        cbc:URI =BT-124
"""
_REFERRED = {
    "Invoice": f"""
  cac:OriginatorDocumentReference
    cbc:ID =BT-17
  cac:ContractDocumentReference
    cbc:ID =BT-12
{_ATTACHED}
  cac:ProjectReference
    cbc:ID =BT-11
""",
    "CreditNote": f"""
  cac:ContractDocumentReference
    cbc:ID =BT-12
  cac:AdditionalDocumentReference
    cbc:ID =BT-11
    cbc:DocumentTypeCode "50"
{_ATTACHED}
  cac:OriginatorDocumentReference
    cbc:ID =BT-17
""",
}
_PARTIES = """
  cac:AccountingSupplierParty
    cac:Party
      cbc:EndpointID @schemeID=BT-34-1 =BT-34
      cac:PartyIdentification
        cbc:ID @schemeID="SEPA" =BT-90
      cac:PartyIdentification
        cbc:ID @schemeID=BT-29-1 =BT-29
      cac:PartyName
        cbc:Name =BT-28
      cac:PostalAddress
        cbc:StreetName =BT-35
        cbc:AdditionalStreetName =BT-36
        cbc:CityName =BT-37
        cbc:PostalZone =BT-38
        cbc:CountrySubentity =BT-39
        cac:AddressLine
          cbc:Line =BT-162
        cac:Country
          cbc:IdentificationCode =BT-40
      cac:PartyTaxScheme
        cbc:CompanyID =BT-31
        cac:TaxScheme
          cbc:ID "VAT"
      cac:PartyTaxScheme
        cbc:CompanyID =BT-32
        cac:TaxScheme
          cbc:ID "FC"
      cac:PartyLegalEntity
        cbc:RegistrationName =BT-27
        cbc:CompanyID @schemeID=BT-30-1 =BT-30
        cbc:CompanyLegalForm =BT-33
      cac:Contact
        cbc:Name =BT-41
        cbc:Telephone =BT-42
        cbc:ElectronicMail =BT-43
  cac:AccountingCustomerParty
    cac:Party
      cbc:EndpointID @schemeID=BT-49-1 =BT-49
      cac:PartyIdentification
        cbc:ID @schemeID=BT-46-1 =BT-46
      cac:PartyName
        cbc:Name =BT-45
      cac:PostalAddress
        cbc:StreetName =BT-50
        cbc:AdditionalStreetName =BT-51
        cbc:CityName =BT-52
        cbc:PostalZone =BT-53
        cbc:CountrySubentity =BT-54
        cac:AddressLine
          cbc:Line =BT-163
        cac:Country
          cbc:IdentificationCode =BT-55
      cac:PartyTaxScheme
        cbc:CompanyID =BT-48
        cac:TaxScheme
          cbc:ID "VAT"
      cac:PartyLegalEntity
        cbc:RegistrationName =BT-44
        cbc:CompanyID @schemeID=BT-47-1 =BT-47
      cac:Contact
        cbc:Name =BT-56
        cbc:Telephone =BT-57
        cbc:ElectronicMail =BT-58
  cac:PayeeParty
    cac:PartyIdentification
      cbc:ID @schemeID="SEPA" =BT-90
    cac:PartyIdentification
      cbc:ID @schemeID=BT-60-1 =BT-60
    cac:PartyName
      cbc:Name =BT-59
    cac:PartyLegalEntity
      cbc:CompanyID @schemeID=BT-61-1 =BT-61
  cac:TaxRepresentativeParty
    cac:PartyName
      cbc:Name =BT-62
    cac:PartyTaxScheme
      cbc:CompanyID =BT-63
      cac:TaxScheme
        cbc:ID "VAT"
  cac:Delivery
    cbc:ActualDeliveryDate =BT-72:date
    cac:DeliveryLocation
      cbc:ID @schemeID=BT-71-1 =BT-71
      cac:Address
        cbc:StreetName =BT-75
        cbc:AdditionalStreetName =BT-76
        cbc:CityName =BT-77
        cbc:PostalZone =BT-78
        cbc:CountrySubentity =BT-79
        cac:AddressLine
          cbc:Line =BT-165
        cac:Country
          cbc:IdentificationCode =BT-80
    cac:DeliveryParty
      cac:PartyName
        cbc:Name =BT-70
  cac:PaymentMeans *BG-16
    cbc:PaymentMeansCode =BT-81
{due}    cbc:PaymentID =^BT-83
    cac:CardAccount
      cbc:PrimaryAccountNumberID =BT-87
    cac:PayeeFinancialAccount
      cbc:ID =BT-84
      cbc:Name =BT-85
      cac:FinancialInstitutionBranch
        cbc:ID =BT-86
    cac:PaymentMandate
      cbc:ID =^BT-89
      cac:PayerFinancialAccount
        cbc:ID =BT-91
  cac:PaymentTerms
    cbc:Note =BT-20
"""
_DUE = {"Invoice": "", "CreditNote": "    cbc:PaymentDueDate =^BT-9:date\n"}


def _table(root: str, quantity: str) -> Table:
    parts = (_HEAD, _TYPED[root], _REFERENCES, _REFERRED[root], _PARTIES, AMOUNTS, LINE)
    text = "".join(parts).format(root=root, quantity=quantity, due=_DUE[root])
    return table(text, {None: _ROOT.format(root=root), "cac": _CAC, "cbc": _CBC}, dates="%Y-%m-%d")


INVOICE = _table("Invoice", "Invoiced")
CREDIT_NOTE = _table("CreditNote", "Credited")
