"""The second half of `ubl.py`: allowances, taxes, totals and lines."""

from __future__ import annotations

AMOUNTS = """
  cac:AllowanceCharge *BG-20
    cbc:ChargeIndicator "false"
    cbc:AllowanceChargeReasonCode =BT-98
    cbc:AllowanceChargeReason =BT-97
    cbc:MultiplierFactorNumeric =BT-94
    cbc:Amount @currencyID=BT-5 =BT-92
    cbc:BaseAmount @currencyID=BT-5 =BT-93
    cac:TaxCategory
      cbc:ID =BT-95
      cbc:Percent =BT-96
      cac:TaxScheme
        cbc:ID "VAT"
  cac:AllowanceCharge *BG-21
    cbc:ChargeIndicator "true"
    cbc:AllowanceChargeReasonCode =BT-105
    cbc:AllowanceChargeReason =BT-104
    cbc:MultiplierFactorNumeric =BT-101
    cbc:Amount @currencyID=BT-5 =BT-99
    cbc:BaseAmount @currencyID=BT-5 =BT-100
    cac:TaxCategory
      cbc:ID =BT-102
      cbc:Percent =BT-103
      cac:TaxScheme
        cbc:ID "VAT"
  cac:TaxTotal
    cbc:TaxAmount @currencyID=BT-5 =BT-110
    cac:TaxSubtotal *BG-23
      cbc:TaxableAmount @currencyID=BT-5 =BT-116
      cbc:TaxAmount @currencyID=BT-5 =BT-117
      cac:TaxCategory
        cbc:ID =BT-118
        cbc:Percent =BT-119
        cbc:TaxExemptionReasonCode =BT-121
        cbc:TaxExemptionReason =BT-120
        cac:TaxScheme
          cbc:ID "VAT"
  cac:TaxTotal
    cbc:TaxAmount @currencyID=BT-6 =BT-111
  cac:LegalMonetaryTotal
    cbc:LineExtensionAmount @currencyID=BT-5 =BT-106
    cbc:TaxExclusiveAmount @currencyID=BT-5 =BT-109
    cbc:TaxInclusiveAmount @currencyID=BT-5 =BT-112
    cbc:AllowanceTotalAmount @currencyID=BT-5 =BT-107
    cbc:ChargeTotalAmount @currencyID=BT-5 =BT-108
    cbc:PrepaidAmount @currencyID=BT-5 =BT-113
    cbc:PayableRoundingAmount @currencyID=BT-5 =BT-114
    cbc:PayableAmount @currencyID=BT-5 =BT-115
"""
LINE = """
  cac:{root}Line *BG-25
    cbc:ID =BT-126
    cbc:Note =BT-127
    cbc:{quantity}Quantity @unitCode=BT-130 =BT-129
    cbc:LineExtensionAmount @currencyID=BT-5 =BT-131
    cbc:AccountingCost =BT-133
    cac:InvoicePeriod
      cbc:StartDate =BT-134:date
      cbc:EndDate =BT-135:date
    cac:OrderLineReference
      cbc:LineID =BT-132
    cac:DocumentReference
      cbc:ID =BT-128
      cbc:DocumentTypeCode "130"
    cac:AllowanceCharge *BG-27
      cbc:ChargeIndicator "false"
      cbc:AllowanceChargeReasonCode =BT-140
      cbc:AllowanceChargeReason =BT-139
      cbc:MultiplierFactorNumeric =BT-138
      cbc:Amount @currencyID=BT-5 =BT-136
      cbc:BaseAmount @currencyID=BT-5 =BT-137
    cac:AllowanceCharge *BG-28
      cbc:ChargeIndicator "true"
      cbc:AllowanceChargeReasonCode =BT-145
      cbc:AllowanceChargeReason =BT-144
      cbc:MultiplierFactorNumeric =BT-143
      cbc:Amount @currencyID=BT-5 =BT-141
      cbc:BaseAmount @currencyID=BT-5 =BT-142
    cac:Item
      cbc:Description =BT-154
      cbc:Name =BT-153
      cac:BuyersItemIdentification
        cbc:ID =BT-156
      cac:SellersItemIdentification
        cbc:ID =BT-155
      cac:StandardItemIdentification
        cbc:ID @schemeID=BT-157-1 =BT-157
      cac:OriginCountry
        cbc:IdentificationCode =BT-159
      cac:CommodityClassification
        cbc:ItemClassificationCode =BT-158
      cac:ClassifiedTaxCategory
        cbc:ID =BT-151
        cbc:Percent =BT-152
        cac:TaxScheme
          cbc:ID "VAT"
      cac:AdditionalItemProperty *BG-32
        cbc:Name =BT-160
        cbc:Value =BT-161
    cac:Price
      cbc:PriceAmount @currencyID=BT-5 =BT-146
      cbc:BaseQuantity @unitCode=BT-150 =BT-149
      cac:AllowanceCharge
        cbc:ChargeIndicator "false"
        cbc:Amount @currencyID=BT-5 =BT-147
        cbc:BaseAmount @currencyID=BT-5 =BT-148
"""
